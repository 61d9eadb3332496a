import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { EnvValueError, removeEnvDir, writeEnvDir } from './env-dir.ts';

describe('a run’s environment directory', () => {
  it('holds a line per variable, for its owner’s eyes only, and can be removed twice', async () => {
    const directory = join(temporaryDirectory(), 'run');
    await writeEnvDir(directory, { A: '1', B: 'two words' }, undefined);
    expect(await readFile(join(directory, 'env'), 'utf8')).toBe('A=1\nB=two words\n');
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, 'env'))).mode & 0o777).toBe(0o600);
    await removeEnvDir(directory);
    await removeEnvDir(directory);
    await expect(stat(directory)).rejects.toThrow(/ENOENT/);
  });

  it('refuses a value that would become another variable', async () => {
    const directory = join(temporaryDirectory(), 'run');
    await expect(writeEnvDir(directory, { A: '1\nB=2' }, undefined)).rejects.toThrow(EnvValueError);
  });

  it('is always a new directory', async () => {
    await expect(writeEnvDir(temporaryDirectory(), {}, undefined)).rejects.toThrow(/EEXIST/);
  });
});
