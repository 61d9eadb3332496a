import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../test/support/sandbox.ts';
import { temporaryDirectory } from '../test/support/temporary.ts';

const WORKING_DOCKER = 'echo "$@" >>"$DOCKER_CALLS"';

/** Runs build.sh from another directory, with a docker that only notes what it was asked. */
async function build(args: readonly string[], { docker = WORKING_DOCKER, env = {}, dotEnv = '' } = {}) {
  const root = temporaryDirectory();
  const programs = join(root, 'bin');
  const calls = join(root, 'calls');
  await mkdir(programs);
  await writeFile(join(root, '.env'), dotEnv);
  await writeFile(calls, '');
  await writeFile(join(programs, 'docker'), `#!/bin/sh\n${docker}\n`);
  await chmod(join(programs, 'docker'), 0o755);
  const child = spawn(join(PACKAGE_ROOT, 'container', 'build.sh'), args, {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: `${programs}:${process.env.PATH}`, NANOCLAW_ROOT: root, DOCKER_CALLS: calls, ...env },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const built = (await readFile(calls, 'utf8')).split('\n').find((line) => line.startsWith('build '));
  return { code, stdout, stderr, built };
}

describe('build.sh', () => {
  it('builds the default image on the default base, labelled with its source', async () => {
    const { code, built } = await build([]);
    expect(code).toBe(0);
    expect(built).toMatch(
      /^build --network none --build-arg BASE_IMAGE=node:24-slim --build-arg SOURCE=[0-9a-f]{16} --tag nanoclaw-agent:latest --file \S+\/container\/Dockerfile \S+\/container$/,
    );
  });

  it('takes base, cache and the image’s name from where they are said', async () => {
    const { built } = await build(['--base', 'debian:trixie', '--runtime', 'docker', '--no-cache'], {
      dotEnv: '# mine\nCONTAINER_IMAGE=first:1\nCONTAINER_IMAGE=mine:1\n',
    });
    expect(built).toMatch(/^build --no-cache .*BASE_IMAGE=debian:trixie.*--tag mine:1 /);
    const { built: other } = await build([], {
      dotEnv: 'CONTAINER_IMAGE=mine:1',
      env: { CONTAINER_IMAGE: 'other:2' },
    });
    expect(other).toMatch(/--tag other:2 /);
  });

  it('says which settings it does not use yet', async () => {
    const { stdout } = await build([], { dotEnv: 'INSTALL_CJK_FONTS=true\nAGENT_PROVIDERS=claude,codex\n' });
    expect(stdout).toMatch(/INSTALL_CJK_FONTS=true is not used yet/);
    expect(stdout).toMatch(/AGENT_PROVIDERS=claude,codex is not used yet/);
    expect((await build([], { dotEnv: 'AGENT_PROVIDERS=offline\n' })).stdout).not.toMatch(/not used yet/);
  });

  it.each([
    [['--runtime', 'podman'], 1, /podman is not supported yet; use docker/],
    [['--runtime', 'container'], 1, /container is not supported yet/],
    [['--runtime', 'lxc'], 2, /unknown runtime lxc/],
    [['--bass', 'x'], 2, /unknown argument --bass; see --help/],
    [['--base'], 2, /--base needs a value/],
  ])('refuses %j', async (args, status, message) => {
    const { code, stderr, built } = await build(args);
    expect(code).toBe(status);
    expect(stderr).toMatch(message);
    expect(built).toBeUndefined();
  });

  it('explains itself', async () => {
    const { code, stdout } = await build(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^usage: container\/build\.sh/);
  });

  it('says so when the engine does not answer, and fails when the build does', async () => {
    expect(await build([], { docker: 'exit 1' })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/engine does not answer/),
    });
    expect((await build([], { docker: 'case $1 in build) exit 7;; esac' })).code).toBe(7);
  });

  it('makes no Debian base without root', async () => {
    const { code, stderr } = await build(['--base', 'debian'], {
      docker: 'case "$1 $2" in "image inspect") exit 1;; esac',
      env: { PATH: await programsOfNobody() },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/--base debian needs root/);
  });
});

/** A PATH on which everybody is uid 1000, and the tools for a base are there. */
async function programsOfNobody(): Promise<string> {
  const directory = temporaryDirectory();
  const sources = {
    id: 'echo 1000',
    debootstrap: 'exit 9',
    'apt-get': 'exit 9',
    npm: 'exit 9',
    docker: 'case "$1 $2" in "image inspect") exit 1;; esac',
  };
  for (const [name, source] of Object.entries(sources)) {
    await writeFile(join(directory, name), `#!/bin/sh\n${source}\n`);
    await chmod(join(directory, name), 0o755);
  }
  return `${directory}:${process.env.PATH}`;
}
