import { execFile } from 'node:child_process';
import { lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { keepManualEnv, type ManualEnvOptions } from './manual-env.ts';

const VARIABLES = {
  ANTHROPIC_API_KEY: 'sk-ant-1',
  ANTHROPIC_BASE_URL: 'http://user:pass@127.0.0.1:8080/anthropic',
  KIMI_API_KEY: 'sk-kimi-1',
  ASSISTANT_NAME: 'Andy',
};

function keeper(change: Partial<ManualEnvOptions> = {}) {
  const file = join(temporaryDirectory(), 'data', 'env', 'env');
  const { log, lines } = rememberingLog();
  const options = {
    file,
    provider: 'claude',
    variables: VARIABLES,
    mode: 'proxy',
    owner: undefined,
    log,
  } as const;
  const keep = (more: Partial<ManualEnvOptions> = {}) => keepManualEnv({ ...options, ...change, ...more });
  return { file, lines, keep };
}

describe('the file for the guides’ manual commands', () => {
  it('holds the address without any secret where the host keeps the keys', async () => {
    const { file, keep } = keeper();
    expect(await keep()).toBe('written');
    expect(await readFile(file, 'utf8')).toBe('ANTHROPIC_BASE_URL=http://127.0.0.1:8080/anthropic\n');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('exists, empty, when there is nothing to say', async () => {
    const { file, keep } = keeper({ provider: 'codex' });
    expect(await keep()).toBe('written');
    expect(await readFile(file, 'utf8')).toBe('');
  });

  it('holds the selected provider’s variables where they are mounted, and follows their changes', async () => {
    const { file, keep } = keeper({ mode: 'mount' });
    await keep();
    expect(await readFile(file, 'utf8')).toBe(
      `ANTHROPIC_API_KEY=sk-ant-1\nANTHROPIC_BASE_URL=${VARIABLES.ANTHROPIC_BASE_URL}\n`,
    );
    expect(await keep({ variables: { ANTHROPIC_API_KEY: 'sk-ant-2' } })).toBe('written');
    expect(await readFile(file, 'utf8')).toBe('ANTHROPIC_API_KEY=sk-ant-2\n');
  });

  it('is not rewritten when its content is the same', async () => {
    const { file, keep } = keeper();
    await keep();
    const { ino } = await stat(file);
    expect(await keep()).toBe('unchanged');
    expect((await stat(file)).ino).toBe(ino);
  });

  it.each(['proxy', 'mount'] as const)(
    'a file with other keys in it stays under %s, and the log names them',
    async (mode) => {
      const { file, lines, keep } = keeper({ mode });
      await mkdir(join(file, '..'), { recursive: true });
      const copied = '# my keys\nKIMI_API_KEY=sk-kimi-1\nASSISTANT_NAME=Andy\n';
      await writeFile(file, copied);
      expect(await keep()).toBe('left');
      expect(await readFile(file, 'utf8')).toBe(copied);
      expect(lines).toMatchObject([{ level: 40, variables: ['KIMI_API_KEY'] }]);
      expect(JSON.stringify(lines)).not.toContain('sk-kimi-1');
    },
  );

  it('replaces a link, which is not followed', async () => {
    const { file, keep } = keeper();
    await mkdir(join(file, '..'), { recursive: true });
    const target = join(temporaryDirectory(), 'target');
    await writeFile(target, 'KIMI_API_KEY=x\n');
    await symlink(target, file);
    expect(await keep()).toBe('written');
    expect((await lstat(file)).isFile()).toBe(true);
    expect(await readFile(target, 'utf8')).toBe('KIMI_API_KEY=x\n');
  });

  it.each([
    ['a directory', (file: string) => mkdir(file)],
    ['a FIFO', (file: string) => promisify(execFile)('mkfifo', [file])],
  ])('is left alone where %s is in its place', async (_what, plant) => {
    const { file, lines, keep } = keeper();
    await mkdir(join(file, '..'), { recursive: true });
    await plant(file);
    expect(await keep()).toBe('left');
    expect(lines).toMatchObject([{ level: 40 }]);
  });

  it('leaves out values that the guides’ way of reading would split', async () => {
    const { file, lines, keep } = keeper({
      mode: 'mount',
      variables: { ANTHROPIC_API_KEY: "it's two\nlines" },
    });
    await keep();
    expect(await readFile(file, 'utf8')).toBe('');
    expect(lines).toMatchObject([{ level: 40, variable: 'ANTHROPIC_API_KEY' }]);
  });

  it('belongs to the user who reads it in the container', async () => {
    const isRoot = process.getuid?.() === 0;
    const owner = isRoot
      ? { uid: 1000, gid: 1000 }
      : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const { file, keep } = keeper({ owner });
    await keep();
    const { uid, gid } = await stat(file);
    expect({ uid, gid }).toEqual(owner);
  });
});
