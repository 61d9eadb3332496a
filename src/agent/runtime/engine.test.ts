import { describe, expect, it } from 'vitest';
import { DOCKER } from './docker.ts';
import { dockerArguments } from './docker-arguments.ts';
import { engineStartFailure } from './engine-failure.ts';
import { PODMAN } from './podman.ts';
import { podmanArguments } from './podman-arguments.ts';

const SPEC = {
  name: 'nanoclaw-1-family-2',
  runId: 'run-2',
  groupFolder: 'family',
  mounts: [
    { hostPath: '/data/a,b "c"', containerPath: '/workspace/group', readonly: false },
    { hostPath: '/data/logs', containerPath: '/workspace/group/logs', readonly: true },
  ],
  timezone: 'Europe/Berlin',
  network: 'none',
} as const;
const TARGET = {
  install: '0a1b2c3d',
  image: 'nanoclaw-agent:latest',
  user: { uid: 1000, gid: 1000 },
  seccompFile: '/package/container/seccomp.json',
};
const ALL = ['cpu', 'memory', 'pids'];
const podman = (change: { rootless?: boolean; controllers?: readonly string[] } = {}) =>
  podmanArguments(SPEC, TARGET, { version: '5.4.0', rootless: false, controllers: ALL, ...change });

describe.each([
  ['docker', dockerArguments(SPEC, TARGET)],
  ['podman', podman()],
  ['rootless podman', podman({ rootless: true })],
])('the arguments of %s', (_, args) => {
  it('quote special characters in a mount’s fields', () => {
    expect(args).toContain('type=bind,"source=/data/a,b ""c""",target=/workspace/group');
    expect(args).toContain('type=bind,source=/data/logs,target=/workspace/group/logs,readonly');
  });

  it('harden, name, label and limit the container', () => {
    const line = args.join(' ');
    for (const part of [
      '--init',
      '--pull never',
      '--name nanoclaw-1-family-2',
      '--label nanoclaw.install=0a1b2c3d',
      '--user 1000:1000',
      '--cap-drop ALL',
      '--security-opt no-new-privileges',
      '--security-opt seccomp=/package/container/seccomp.json',
      '--security-opt label=disable',
      '--read-only',
      '--pids-limit 512',
      '--memory 2g',
      '--cpus 2',
      '--network none',
    ]) {
      expect(line).toContain(part);
    }
    expect(line).not.toContain('--privileged');
    // Relabelling would change the user's own files.
    expect(line).not.toMatch(/relabel|:[zZ]\b/);
    expect(line).not.toMatch(/--rm\b/);
  });
});

describe('the arguments of an engine', () => {
  it('end with the image, or with another program of it', () => {
    expect(dockerArguments(SPEC, TARGET).slice(-1)).toEqual(['nanoclaw-agent:latest']);
    const looking = dockerArguments({ ...SPEC, command: ['node', '-e', '1'] }, TARGET);
    expect(looking.slice(-5)).toEqual(['--entrypoint', 'node', 'nanoclaw-agent:latest', '-e', '1']);
  });

  it('turn the network off only where that was asked for', () => {
    const ordinary = { ...SPEC, network: 'open' } as const;
    expect(dockerArguments(ordinary, TARGET)).not.toContain('--network');
  });

  it('give the temporary directories to the user in each engine’s own form, with a size', () => {
    expect(dockerArguments(SPEC, TARGET)).toContain(
      '/home/node:rw,exec,nosuid,nodev,size=512m,uid=1000,gid=1000,mode=0755',
    );
    expect(podman()).toContain(
      'type=tmpfs,destination=/home/node,tmpfs-size=512m,tmpfs-mode=0755,notmpcopyup,U',
    );
    expect(podman()).toContain('--read-only-tmpfs=false');
  });

  it('map users in a rootless Podman only', () => {
    expect(podman()).not.toContain('--userns=keep-id:uid=1000,gid=1000');
    expect(podman({ rootless: true })).toContain('--userns=keep-id:uid=1000,gid=1000');
  });

  it('leave out the limits that a rootless Podman has no control groups for, and limit processes by ulimit', () => {
    const line = podman({ rootless: true, controllers: ['memory'] }).join(' ');
    expect(line).toContain('--memory 2g');
    expect(line).not.toMatch(/--cpus|--pids-limit/);
    expect(line).toContain('--ulimit nproc=512:512');
    expect(podman().join(' ')).not.toContain('--ulimit');
  });
});

describe('an engine’s failure', () => {
  it.each([
    [DOCKER, 125, "docker: No such image: x.\nSee 'docker run --help'.", /container\/build\.sh/, false],
    [
      DOCKER,
      125,
      'pull access denied for x, repository does not exist',
      /Kubernetes.*registry.*docker pull/,
      false,
    ],
    [DOCKER, 125, 'Cannot connect to the Docker daemon at unix:///x.', /does not answer/, true],
    [
      DOCKER,
      125,
      'invalid mount config',
      /Docker could not start the container: invalid mount config$/,
      false,
    ],
    [DOCKER, 127, 'exec: "node": executable file not found', /Build it: container\/build\.sh/, false],
    [PODMAN, 125, 'Error: x:latest: image not known', /container\/build\.sh/, false],
    [PODMAN, 125, 'Error: container-init binary not found on the host', /install catatonit/, false],
    [PODMAN, 125, 'Error: default OCI runtime "crun" not found', /install crun/, false],
    [PODMAN, 125, 'Error: cannot set up namespace using newuidmap', /subuids/, false],
    [PODMAN, 125, 'Error: unable to connect to Podman socket', /does not answer/, true],
    [PODMAN, 127, 'OCI runtime attempted to invoke a command that was not found', /build\.sh/, false],
  ])(
    'a failure of $title with exit code %i and %j is not the agent’s',
    (words, code, stderr, error, retryable) => {
      expect(engineStartFailure(words, 'x', code, stderr)).toEqual({
        error: expect.stringMatching(error),
        retryable,
      });
    },
  );

  it.each([[1], [70], [137], [undefined]])('exit code %s is the agent’s own failure', (code) => {
    expect(engineStartFailure(DOCKER, 'x', code, 'No such image')).toBeUndefined();
  });
});

/** Answers of a podman program. */
const answering =
  (info: unknown, code = 0, stderr = '') =>
  async () => ({
    code,
    stdout: typeof info === 'string' ? info : JSON.stringify(info),
    stderr,
  });
const info = (Version: string, rootless: boolean, cgroupControllers: readonly string[] | null) => ({
  host: { security: { rootless }, cgroupControllers },
  version: { Version },
});

describe('the check of Podman', () => {
  it('accepts a rootful Podman of any version', async () => {
    const met = await PODMAN.meet(answering(info('4.2.0', false, ALL)));
    expect(met).toMatchObject({ version: '4.2.0', mapsUsers: false, shortcomings: [] });
  });

  it('warns of limits that a rootless Podman cannot set', async () => {
    const met = await PODMAN.meet(answering(info('4.3.1', true, ['memory'])));
    expect(met).toMatchObject({ version: '4.3.1 rootless', mapsUsers: true });
    expect(met.shortcomings).toEqual([
      {
        what: expect.stringMatching(/the number of processes, the processor here/),
        cure: expect.stringMatching(/Delegate/),
      },
    ]);
    expect((await PODMAN.meet(answering(info('5.0.0', true, null)))).shortcomings[0]?.what).toMatch(/memory/);
  });

  it.each([
    [answering(info('4.2.9', true, ALL)), /4\.2\.9 is too old to run without root\. Install 4\.3 or newer/],
    [answering('', 125, 'Error: default OCI runtime "crun" not found'), /apt-get install crun/],
    [answering('', 125, 'Cannot connect to Podman'), /podman machine start/],
    [answering('no json'), /cannot be read.*Install Podman/s],
    [answering({ host: {} }), /cannot be read/],
  ])('fails with a fix where Podman is not usable', async (query, words) => {
    await expect(PODMAN.meet(query)).rejects.toThrow(words);
  });

  it('tries to create a container, and says what is missing', async () => {
    const asked: (readonly string[])[] = [];
    await PODMAN.rehearse?.(
      async (args) => {
        asked.push(args);
        return { code: 0, stdout: 'warning\n0123abcd\n', stderr: '' };
      },
      ['--init', 'image'],
    );
    expect(asked).toEqual([
      ['create', '--init', 'image'],
      ['rm', '--force', '--time', '0', '0123abcd'],
    ]);
    const refused = answering('', 125, 'Error: container-init binary not found on the host');
    await expect(PODMAN.rehearse?.(refused, [])).rejects.toThrow(/apt-get install catatonit/);
  });
});
