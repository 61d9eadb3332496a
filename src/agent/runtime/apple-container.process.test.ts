import { spawn } from 'node:child_process';
import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import type { Provider } from '../../protocol/provider.ts';
import { appleArguments, MountPathError } from './apple-arguments.ts';
import { AppleContainer, appleStartFailure, FileMountError } from './apple-container.ts';
import { ImageLacksAgentError, ImageMissingError } from './image-error.ts';
import { SandboxLeftError } from './runtime.ts';

const SPEC = {
  name: 'nanoclaw-0a1b2c3d-family-2',
  runId: 'run-2',
  groupFolder: 'family',
  mounts: [
    { hostPath: '/data/g', containerPath: '/workspace/group', readonly: false },
    { hostPath: '/data/logs', containerPath: '/workspace/group/logs', readonly: true },
  ],
  timezone: 'Europe/Berlin',
  network: 'none',
} as const;
const TARGET = { install: '0a1b2c3d', image: 'nanoclaw-agent:latest', options: new Set<string>() };
const HARDENED = new Set(['--cap-drop', '--init', '--read-only', '--progress']);

describe('the arguments of Apple’s container', () => {
  it('mount read-only by --mount and writable by -v, without Docker’s suffix', () => {
    const args = appleArguments(SPEC, TARGET);
    expect(args).toContain('type=bind,source=/data/logs,target=/workspace/group/logs,readonly');
    expect(args[args.indexOf('-v') + 1]).toBe('/data/g:/workspace/group');
    expect(args.join(' ')).not.toMatch(/:ro\b/);
  });

  it('set no variable, which would be lost with --interactive', () => {
    const args = appleArguments(SPEC, { ...TARGET, options: HARDENED });
    expect(args).toContain('--interactive');
    for (const option of ['--env', '-e', '--env-file']) expect(args).not.toContain(option);
  });

  it('hold only options that the version knows', () => {
    const plain = appleArguments(SPEC, TARGET);
    for (const option of ['--cap-drop', '--init', '--read-only', '--progress', '--pull', '--security-opt'])
      expect(plain).not.toContain(option);
    const line = appleArguments(SPEC, { ...TARGET, options: HARDENED }).join(' ');
    expect(line).toContain('--cap-drop ALL --init --read-only --tmpfs /tmp --tmpfs /home/node');
    expect(line).toContain('--progress none');
  });

  it('name, label and limit the container, and end with the image', () => {
    const args = appleArguments(SPEC, TARGET);
    const line = args.join(' ');
    expect(line).toContain('--name nanoclaw-0a1b2c3d-family-2 --label nanoclaw.install=0a1b2c3d');
    expect(line).toContain('--cpus 2 --memory 2G');
    expect(line).toContain('--network none');
    expect(line).toContain('--rm');
    expect(args.at(-1)).toBe('nanoclaw-agent:latest');
  });

  it('mount a path with a colon in another form, and refuse a comma that no form can carry', () => {
    const mounted = (hostPath: string, readonly: boolean) =>
      appleArguments({ ...SPEC, mounts: [{ hostPath, containerPath: '/x', readonly }] }, TARGET);
    expect(mounted('/a:b', false)).toContain('type=bind,source=/a:b,target=/x');
    expect(mounted('/a,b', false)).toContain('/a,b:/x');
    expect(() => mounted('/a,b', true)).toThrow(MountPathError);
  });
});

describe('a failure of Apple’s container', () => {
  it.each([
    [1, 'Error: notFound: "image nanoclaw-agent:latest not found"', /--runtime container/, false],
    [1, 'Error: interrupted: "XPC connection error: Connection invalid"', /container system start/, true],
    [1, 'x\nError: unknown: "Error Domain=VZErrorDomain Code=2"', /could not start: Error: unknown/, false],
    [64, "Error: Unknown option '--init'\nUsage: container run", /Unknown option '--init'$/, false],
  ])(
    'exit code %i with %j is a failure of the runtime, not of the agent',
    (code, stderr, error, retryable) => {
      expect(appleStartFailure('x', code, stderr)).toEqual({
        error: expect.stringMatching(error),
        retryable,
      });
    },
  );

  it.each([
    [1, 'Error: something\n    at main (/app/agent-runner/runner.mjs:1:1)'],
    [137, ''],
    [0, 'Error: notFound: "image"'],
    [undefined, ''],
  ])('exit code %s with %j is a failure of the agent itself', (code, stderr) => {
    expect(appleStartFailure('x', code, stderr)).toBeUndefined();
  });
});

/** A `container` program that writes down what it was asked, on a Mac that is none. */
async function pretend(script: string, provider: Provider = 'offline') {
  const directory = temporaryDirectory();
  const asked = join(directory, 'asked');
  await appendFile(asked, '');
  const program = join(directory, 'container');
  await writeFile(program, `#!/bin/sh\necho "$*" >> ${asked}\n${script}\n`);
  await chmod(program, 0o755);
  const runtime = new AppleContainer({
    install: '0a1b2c3d',
    image: 'nanoclaw-agent:latest',
    provider,
    environment: { PATH: `${directory}:/usr/bin:/bin`, ANTHROPIC_API_KEY: 'sk-canary' },
    spawn,
  });
  return { runtime, directory, asked: async () => (await readFile(asked, 'utf8')).trim().split('\n') };
}

const VERSION = '--version) echo "container CLI version 1.2.2 (build: release, commit: 1234567)";;';
const HELP = 'run*--help) echo "  --read-only  x"; echo "  --init x";;';

describe('Apple’s container', () => {
  it('is started when it is down', async () => {
    const { runtime, asked } = await pretend(
      `case "$*" in ${VERSION} "system status") exit 1;; ${HELP} *) exit 0;; esac`,
    );
    await runtime.check();
    expect(runtime.description).toBe('Apple container 1.2.2 (nanoclaw-agent:latest)');
    expect(await asked()).toEqual([
      '--version',
      'system status',
      'system start --enable-kernel-install',
      'image inspect nanoclaw-agent:latest',
      'run --help',
      'network inspect default',
    ]);
  });

  it('is left alone when it is up', async () => {
    const { runtime, asked } = await pretend(`case "$*" in ${VERSION} *) exit 0;; esac`);
    await runtime.check();
    expect(await asked()).not.toContain('system start --enable-kernel-install');
  });

  it.each([
    [`case "$*" in --version) echo 0.9.0;; *) exit 0;; esac`, /0\.9\.0 is too old.*Install 1\.0/],
    [
      `case "$*" in ${VERSION} system*) echo "no kernel" >&2; exit 1;; esac`,
      /no kernel.*container system start/,
    ],
  ])('names the fix where it cannot be used', async (script, words) => {
    const { runtime } = await pretend(script);
    await expect(runtime.check()).rejects.toThrow(words);
  });

  it('names the command that builds its image', async () => {
    const { runtime } = await pretend(`case "$*" in ${VERSION} image*) exit 1;; *) exit 0;; esac`);
    await expect(runtime.check()).rejects.toThrow(ImageMissingError);
    await expect(runtime.check()).rejects.toThrow('container/build.sh --runtime container');
  });

  it('runs with the options that its version has, and gives its child process no key', async () => {
    const { runtime, directory } = await pretend(
      `case "$*" in ${HELP} run*) echo "$*"; echo "key:$ANTHROPIC_API_KEY";; *) exit 0;; esac`,
    );
    await mkdir(join(directory, 'g'));
    const mounts = [{ hostPath: join(directory, 'g'), containerPath: '/workspace/group', readonly: false }];
    const sandbox = await runtime.start({ ...SPEC, mounts });
    let said = '';
    sandbox.child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    expect(await sandbox.exited).toEqual({ exitCode: 0, spawnError: undefined });
    await expect.poll(() => said).toMatch(/key:\n/);
    expect(said).toContain('--read-only --tmpfs /tmp');
    expect(said).not.toContain('--cap-drop');
  });

  it('refuses to mount a file', async () => {
    const { runtime, directory } = await pretend('exit 0');
    const mounts = [{ hostPath: join(directory, 'container'), containerPath: '/etc/passwd', readonly: true }];
    await expect(runtime.start({ ...SPEC, mounts })).rejects.toThrow(FileMountError);
  });

  it('finds its own containers by their names, and ends them by force', async () => {
    const { runtime, asked } = await pretend(
      `case "$*" in list*) echo nanoclaw-0a1b2c3d-family-1; echo nanoclaw-ffffffff-family-2; echo buildkit;; esac`,
    );
    expect(await runtime.listOwn()).toEqual(['nanoclaw-0a1b2c3d-family-1']);
    await runtime.kill('nanoclaw-0a1b2c3d-family-1');
    expect((await asked()).at(-1)).toBe('delete --force nanoclaw-0a1b2c3d-family-1');
  });

  it.each([
    ['is gone', 'list*) echo nanoclaw-0a1b2c3d-family-1-longer;;'],
    ['goes by itself', 'list*) [ -e $0.seen ] || echo nanoclaw-0a1b2c3d-family-1; touch $0.seen;;'],
  ])('accepts that a container cannot be ended because it %s', async (_, list) => {
    const script = `case "$*" in delete*) echo "Error: failed to delete" >&2; exit 1;; ${list} esac`;
    const { runtime } = await pretend(script);
    await runtime.kill('nanoclaw-0a1b2c3d-family-1');
  });

  it.each([
    ['it is still there', 'list*) echo nanoclaw-0a1b2c3d-family-1;;'],
    ['nobody can tell', 'list*) exit 1;;'],
  ])('names the fix where a container cannot be ended and %s', async (_, list) => {
    const script = `case "$*" in delete*) echo "Error: XPC connection error" >&2; exit 1;; ${list} esac`;
    const { runtime } = await pretend(script);
    const killed = runtime.kill('nanoclaw-0a1b2c3d-family-1');
    await expect(killed).rejects.toThrow(SandboxLeftError);
    await expect(killed).rejects.toThrow(/XPC.*container rm --force nanoclaw-0a1b2c3d-family-1/);
  });

  it.each([
    ['[{"status":{"ipv4Subnet":"192.168.66.0/24","ipv4Gateway":"192.168.66.1"}}]', '192.168.66.1'],
    ['[{"status" : {"address" : "192.168.65.0/24","gateway" : "192.168.65.1"}}]', '192.168.65.1'],
    ['[{"status":{"ipv6Gateway":"fd00::1"}}]', undefined],
  ])('finds in %s the address at which the Mac is reached', async (network, gateway) => {
    const { runtime } = await pretend(`case "$*" in ${VERSION} network*) echo '${network}';; esac`);
    await runtime.check();
    expect(runtime.gateway).toBe(gateway);
  });

  it('reports what the image was built from', async () => {
    const { runtime } = await pretend(
      `echo '[{"variants":[{"config":{"config":{"Labels":{"nanoclaw.source":"8282d8b43140557b"}}}}]}]'`,
    );
    expect(await runtime.imageSource()).toBe('8282d8b43140557b');
  });

  it('is refused with an image that lacks the agent', async () => {
    const labels = '[{"variants":[{"config":{"config":{"Labels":{"nanoclaw.providers" : "codex"}}}}]}]';
    const script = `case "$*" in ${VERSION} image*) echo '${labels}';; *) exit 0;; esac`;
    const { runtime } = await pretend(script, 'claude');
    await expect(runtime.check()).rejects.toThrow(ImageLacksAgentError);
    await expect(runtime.check()).rejects.toThrow(
      'AGENT_PROVIDERS=codex,claude container/build.sh --runtime container',
    );
    await (await pretend(script, 'codex')).runtime.check();
  });
});
