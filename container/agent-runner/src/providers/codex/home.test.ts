import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { layoutAt } from '../../../../../src/protocol/layout.ts';
import { temporaryDirectory } from '../../../../../test/support/temporary.ts';
import { prepareCodexHome } from './home.ts';
import { sessionToResume } from './sessions.ts';

const OLD = '01a1fd1e-28c6-7b51-983a-8b198ba052dd';
const NEW = '01a1fd25-fc6d-7d21-839a-1478cda708a1';

describe('Codex’s own folder', () => {
  it('holds what Codex needs to know, and no half-written file', async () => {
    const home = temporaryDirectory();
    const folder = await prepareCodexHome(layoutAt(home, home), 'first');
    expect(await prepareCodexHome(layoutAt(home, home), 'second')).toBe(folder);
    expect(await readdir(folder)).toEqual(['AGENTS.md']);
    expect(await readFile(join(folder, 'AGENTS.md'), 'utf8')).toBe('second');
  });

  it('is written whatever is in its place: a link is not followed, and a directory is replaced', async () => {
    const home = temporaryDirectory();
    const folder = join(home, '.codex');
    await mkdir(folder);
    await writeFile(join(home, 'target'), 'untouched');
    await symlink(join(home, 'target'), join(folder, 'AGENTS.md'));
    await prepareCodexHome(layoutAt(home, home), 'text');
    expect(await readFile(join(home, 'target'), 'utf8')).toBe('untouched');
    await rm(join(folder, 'AGENTS.md'));
    await mkdir(join(folder, 'AGENTS.md', 'deep'), { recursive: true });
    await prepareCodexHome(layoutAt(home, home), 'text');
    expect(await readFile(join(folder, 'AGENTS.md'), 'utf8')).toBe('text');
  });

  it('is a temporary one for this run where it cannot be written', async () => {
    const home = temporaryDirectory();
    await writeFile(join(home, '.codex'), 'a file where the folder should be');
    const folder = await prepareCodexHome(layoutAt(home, home), 'text');
    onTestFinished(() => rm(folder, { recursive: true }));
    expect(folder).not.toContain(home);
    expect(await readFile(join(folder, 'AGENTS.md'), 'utf8')).toBe('text');
  });
});

describe('the session to resume', () => {
  it('is the id as it is', async () => {
    expect(await sessionToResume('/nowhere', OLD)).toEqual({ id: OLD, file: undefined });
    expect(await sessionToResume('/nowhere', undefined)).toBeUndefined();
  });

  it('is lost when it is no id, because Codex would silently start a new one', async () => {
    await expect(sessionToResume('/nowhere', 'my-session')).rejects.toMatchObject({ kind: 'session_lost' });
  });

  it('is the newest one in an imported installation', async () => {
    const home = temporaryDirectory();
    const day = (name: string) => join(home, 'sessions', '2026', '01', name);
    await mkdir(day('31'), { recursive: true });
    await mkdir(day('02'), { recursive: true });
    await writeFile(join(day('31'), `rollout-2026-01-31T08-00-00-${NEW}.jsonl`), '');
    await writeFile(join(day('02'), `rollout-2026-01-02T09-00-00-${OLD}.jsonl`), '');
    await writeFile(join(day('31'), 'zzz.txt'), '');
    const file = join(day('31'), `rollout-2026-01-31T08-00-00-${NEW}.jsonl`);
    expect(await sessionToResume(home, 'codex-last')).toMatchObject({ id: NEW, file });
    expect(await sessionToResume(home, NEW)).toEqual({ id: NEW, file });
  });

  it('is a new one in an imported installation without sessions', async () => {
    expect(await sessionToResume(temporaryDirectory(), 'codex-last')).toBeUndefined();
  });
});
