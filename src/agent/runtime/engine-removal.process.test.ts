import { spawn } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rememberingLog } from '../../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { pathsAt } from '../../paths.ts';
import { DOCKER } from './docker.ts';
import { Engine } from './engine.ts';
import { SandboxLeftError } from './runtime.ts';

const NAME = 'nanoclaw-0a1b2c3d-family-2';

/**
 * Docker with another program in the place of its own.
 * @param cases of a shell's `case`, over the first argument
 */
async function engineWith(cases: string) {
  const root = temporaryDirectory();
  const program = join(root, 'docker');
  const asked = join(root, 'asked');
  await writeFile(program, `#!/bin/sh\necho "$@" >> ${asked}\ncase "$1" in\n${cases}\nesac\n`);
  await chmod(program, 0o755);
  const { log, lines } = rememberingLog();
  const engine = new Engine(DOCKER, {
    ...{
      install: '0a1b2c3d',
      image: 'image',
      provider: 'offline',
      seccompFile: '/seccomp.json',
      paths: pathsAt(root, root),
    },
    hostUser: { uid: 1000, gid: 1000 },
    environment: { PATH: `${root}:/usr/bin:/bin` },
    ...{ spawn, log },
  });
  return { engine, lines, asked: async () => (await readFile(asked, 'utf8')).trim().split('\n') };
}

describe('the end of a container', () => {
  it.each([
    ['was removed', 'rm) exit 0;;'],
    ['was not there', 'rm) echo "Error: No such container: x" >&2; exit 1;;'],
  ])('succeeds when the container %s', async (_, cases) => {
    const { engine, asked, lines } = await engineWith(cases);
    await engine.kill(NAME);
    expect(await asked()).toEqual([`rm --force ${NAME}`]);
    expect(lines).toEqual([]);
  });

  it.each([
    [
      'the engine is gone',
      'rm|container) echo "Cannot connect to the Docker daemon" >&2; exit 1;;',
      'Cannot connect',
    ],
    ['it runs on', 'rm) echo "device busy" >&2; exit 1;;\ncontainer) echo true;;', 'device busy'],
  ])('is an error that names the fix when %s', async (_, cases, reason) => {
    const { engine } = await engineWith(cases);
    await expect(engine.kill(NAME)).rejects.toThrow(SandboxLeftError);
    await expect(engine.kill(NAME)).rejects.toThrow(`${reason}`);
    await expect(engine.kill(NAME)).rejects.toThrow(`docker rm --force ${NAME}`);
  });

  it('a container that cannot be removed but does not run any more is logged, and the removal succeeds', async () => {
    const { engine, lines } = await engineWith(
      'rm) echo "driver failed to remove root filesystem" >&2; exit 1;;\ncontainer) echo false;;',
    );
    await engine.kill(NAME);
    expect(JSON.stringify(lines)).toMatch(/cannot be removed, but has ended/);
  });

  it('a removal by another process is waited for', async () => {
    const { engine, asked } = await engineWith(
      `rm) echo "removal of container ${NAME} is already in progress" >&2; exit 1;;
container) echo "Error: No such container: ${NAME}" >&2; exit 1;;`,
    );
    await engine.kill(NAME);
    expect(await asked()).toHaveLength(2);
  });

  it.each([
    ['hangs', 'sleep 60'],
    [
      'is always at it',
      `case "$1" in rm) echo "removal of container ${NAME} is already in progress" >&2; exit 1;; *) sleep 60;; esac`,
    ],
  ])('takes no longer than it may when the engine %s', async (_, script) => {
    const { engine } = await engineWith(`*) ${script};;`);
    const startedAt = performance.now();
    await expect(engine.kill(NAME, 1_000)).rejects.toThrow(SandboxLeftError);
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });
});
