import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { type RunRecord, writeRunLog } from './run-log.ts';

const RECORD: RunRecord = {
  name: 'nanoclaw-1-family-2',
  runtime: 'bubblewrap',
  startedAt: Date.UTC(2026, 2, 1, 12),
  durationMs: 1234,
  reason: 'timeout',
  exitCode: 143,
  error: 'it had not ended',
  frames: ['success, 4 characters'],
  mounts: [{ hostPath: '/h', containerPath: '/c', readonly: true }],
  promptLength: 10,
  details: undefined,
  stdout: 'noise\n',
  stderr: 'words\n',
};

describe('a run log', () => {
  it('keeps lines and tabs of what the agent printed, and nothing that a terminal obeys', async () => {
    const directory = join(temporaryDirectory(), 'logs');
    const hostile = '\u001b[2J\u009b2J\u202etxt\r';
    const record = { ...RECORD, error: hostile, stdout: `a\tb\n${hostile}\n`, stderr: hostile };
    const text = await readFile(join(directory, await writeRunLog(directory, 'abc', record)), 'utf8');
    expect(text).toContain('a\tb\n');
    expect(text).not.toMatch(/[^\P{Cc}\t\n]|\u202e/u);
  });

  it('says how the run ended, what it was shown and what it printed', async () => {
    const directory = join(temporaryDirectory(), 'logs');
    const name = await writeRunLog(directory, 'abc', RECORD);
    expect(name).toBe('container-2026-03-01T12-00-00.000Z-abc.log');
    const text = await readFile(join(directory, name), 'utf8');
    for (const part of [
      'Container: nanoclaw-1-family-2',
      'Exit reason: timeout',
      'Exit code: 143',
      'Error: it had not ended',
      'Duration: 1234 ms',
      'Prompt length: 10 characters',
      'ro /c <- /h',
      'success, 4 characters',
      'noise',
      'words',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('== Input ==');
  });

  it('includes the input and the command where they are given, the command as a shell takes it', async () => {
    const directory = temporaryDirectory();
    const name = await writeRunLog(directory, 'abc', {
      ...RECORD,
      details: { input: 'what was said', command: ['docker', 'run', '--name', "Ann's", '--init', 'image:1'] },
    });
    expect(await readFile(join(directory, name), 'utf8')).toContain(
      [
        '== Command ==',
        'docker run \\',
        "  --name 'Ann'\\''s' \\",
        '  --init image:1',
        '',
        '== Input ==',
        'what was said',
      ].join('\n'),
    );
  });

  it('follows no link, neither to a file nor to a directory', async () => {
    const root = temporaryDirectory();
    await mkdir(join(root, 'elsewhere'));
    await writeFile(join(root, 'precious'), 'kept');
    await symlink(join(root, 'elsewhere'), join(root, 'logs'));
    await expect(writeRunLog(join(root, 'logs'), 'abc', RECORD)).rejects.toThrow(
      /must be a directory and is a link/,
    );
    expect(await readdir(join(root, 'elsewhere'))).toEqual([]);
    const name = 'container-2026-03-01T12-00-00.000Z-abc.log';
    await symlink(join(root, 'precious'), join(root, 'elsewhere', name));
    await expect(writeRunLog(join(root, 'elsewhere'), 'abc', RECORD)).rejects.toThrow(/EEXIST/);
    expect(await readFile(join(root, 'precious'), 'utf8')).toBe('kept');
  });

  it('removes old run logs: the newest 50 stay, and so do files that are no run logs', async () => {
    const directory = temporaryDirectory();
    await writeFile(join(directory, 'notes.txt'), '');
    for (let n = 0; n < 55; n += 1) {
      await writeRunLog(directory, 'abc', { ...RECORD, startedAt: RECORD.startedAt + n * 1000 });
    }
    const names = (await readdir(directory)).sort();
    expect(names).toHaveLength(51);
    expect(names[0]).toBe('container-2026-03-01T12-00-05.000Z-abc.log');
    expect(names.at(-1)).toBe('notes.txt');
  });

  it('stays when it is written, however far the clock was ahead once, and so do those before it', async () => {
    const directory = temporaryDirectory();
    const write = (startedAt: number): Promise<string> =>
      writeRunLog(directory, 'abc', { ...RECORD, startedAt });
    for (let n = 0; n < 50; n += 1) await write(Date.UTC(2031, 0, 1) + n * 1000);
    const since = [await write(RECORD.startedAt), await write(RECORD.startedAt + 1000)];
    const names = await readdir(directory);
    expect(names).toHaveLength(50);
    expect(names).toEqual(expect.arrayContaining(since));
    expect(names).not.toContain('container-2031-01-01T00-00-00.000Z-abc.log');
  });
});
