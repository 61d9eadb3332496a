import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { type Ended, environmentOf } from '../support/nanoclaw.ts';
import { PACKAGE_ROOT, sharedDirectory } from '../support/sandbox.ts';

describe('the executable at the root', () => {
  const nanoclaw = join(PACKAGE_ROOT, 'nanoclaw');
  const { version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };

  /** Runs a command line in a directory that has nothing to do with the project, with a directory in front of PATH. */
  async function elsewhere(line: string, bin?: string): Promise<Ended> {
    const child = spawn('sh', ['-c', line], {
      cwd: sharedDirectory(),
      env: {
        ...environmentOf(sharedDirectory()),
        ...(bin !== undefined && { PATH: `${bin}:${process.env.PATH}` }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number]>,
    ]);
    return { code, stdout, stderr };
  }

  it('runs from another directory by its path, and messages name it by that path', async () => {
    expect((await elsewhere(`${nanoclaw} --version`)).stdout).toBe(`${version}\n`);
    const { code, stderr } = await elsewhere(`${nanoclaw} status`);
    expect(code).toBe(1);
    expect(stderr).toContain(`${nanoclaw} pair`);
  });

  it('runs by a link in PATH, and messages name it as it was typed', async () => {
    const bin = sharedDirectory();
    symlinkSync(nanoclaw, join(bin, 'nanoclaw'));
    const { code, stderr } = await elsewhere('nanoclaw status', bin);
    expect(code).toBe(1);
    expect(stderr).toMatch(/ nanoclaw pair/);
  });

  it('runs from its sources where nothing was compiled, and builds nothing', async () => {
    const copy = sharedDirectory();
    for (const name of ['nanoclaw', 'package.json', 'src', 'node_modules'])
      symlinkSync(join(PACKAGE_ROOT, name), join(copy, name));
    copyFileSync(nanoclaw, join(copy, 'nanoclaw.copy'));
    expect((await elsewhere(`${join(copy, 'nanoclaw.copy')} --version`)).stdout).toBe(`${version}\n`);
    expect(existsSync(join(copy, 'dist'))).toBe(false);
  });

  it('names the fix where nothing is installed', async () => {
    const copy = sharedDirectory();
    copyFileSync(nanoclaw, join(copy, 'nanoclaw'));
    const { code, stderr } = await elsewhere(`${join(copy, 'nanoclaw')} status`);
    expect(code).toBe(1);
    expect(stderr).toBe(`NanoClaw is not installed yet in ${copy}. Run there: npm ci\n`);
  });

  it('refuses an unknown command, also one that asks for help', async () => {
    for (const line of [`${nanoclaw} pear`, `${nanoclaw} pear --help`]) {
      const { code, stderr } = await elsewhere(line);
      expect(code).toBe(2);
      expect(stderr).toMatch(/unknown command 'pear'/);
    }
  });
});
