import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { parseEnv, readEnvDir } from './env-file.ts';

describe('the run’s environment', () => {
  it('is read line by line, quotes are removed, and lines that are no assignment are skipped', () => {
    const text = '# comment\nA=1\r\nexport B="two words"\nC=a=b\n  D = no\nE=\n1F=x\nG=\'it\'\n';
    expect(parseEnv(text)).toEqual({ A: '1', B: 'two words', C: 'a=b', E: '', G: 'it' });
  });

  it('is empty where the file is missing or cannot be read', async () => {
    const directory = temporaryDirectory();
    expect(readEnvDir(directory)).toEqual({});
    await mkdir(join(directory, 'env'));
    expect(readEnvDir(directory)).toEqual({});
  });

  it('is read from the file env', async () => {
    const directory = temporaryDirectory();
    await writeFile(join(directory, 'env'), 'TZ=Europe/Berlin\n');
    expect(readEnvDir(directory)).toEqual({ TZ: 'Europe/Berlin' });
  });
});
