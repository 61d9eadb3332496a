import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ENGINES } from './engines.ts';
import { TEST_IMAGE } from './image.ts';

const POLL_MS = 500;

const root = fileURLToPath(new URL('../..', import.meta.url));

async function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  quiet = false,
): Promise<number> {
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', quiet ? 'ignore' : 'inherit'],
    env: { ...process.env, ...env },
  });
  const [code] = await once(child, 'close');
  return code ?? 1;
}

const base = process.env.TEST_BASE_IMAGE ?? 'debian';

async function buildImage(engine: string): Promise<void> {
  const code = await run('container/build.sh', ['--runtime', engine, '--base', base], {
    CONTAINER_IMAGE: TEST_IMAGE,
    AGENT_PROVIDERS: 'claude,codex,kimi',
    INSTALL_CJK_FONTS: 'false',
    INSTALL_BROWSER: 'false',
    NANOCLAW_ROOT: root,
  });
  if (code !== 0) {
    throw new Error(`container/build.sh --runtime ${engine} --base ${base} failed; its words stand above`);
  }
}

/** The name of the Debian base that an engine has, once its build has made it: long before the build has ended. */
async function madeBase(engine: string, build: Promise<void>): Promise<string> {
  let hasEnded = false;
  const end = () => {
    hasEnded = true;
  };
  build.then(end, end);
  for (;;) {
    const isLast = hasEnded;
    const { stdout } = await promisify(execFile)(engine, [
      'image',
      'ls',
      '--format',
      '{{.Repository}}:{{.Tag}}',
      'nanoclaw-base',
    ]);
    const [name = ''] = stdout.split('\n');
    if (name !== '') return name;
    if (isLast) throw new Error(`${engine} has made no base image`);
    await setTimeout(POLL_MS);
  }
}

/** Gives an engine the Debian base that another one has made: debootstrap takes a minute. */
async function copyBase(name: string, from: string, to: string): Promise<void> {
  const copy = [
    `container=$(${from} create "${name}" true)`,
    `${from} export "$container" | ${to} import --change 'CMD ["bash"]' - "${name}"`,
    `${from} rm "$container"`,
  ].join(' && ');
  if ((await run('bash', ['-o', 'pipefail', '-c', copy], {}, true)) !== 0) {
    throw new Error(`the base image could not be copied from ${from} to ${to}`);
  }
}

async function buildImages(): Promise<void> {
  const [first = '', ...others] = ENGINES;
  const build = buildImage(first);
  const more = others.map(async (engine) => {
    if (base === 'debian') await copyBase(await madeBase(first, build), first, engine);
    await buildImage(engine);
  });
  await Promise.all([build, ...more]);
}

async function installAgents(): Promise<void> {
  if (existsSync(join(root, 'container', 'agent-runner', 'node_modules'))) return;
  if ((await run('npm', ['run', 'agents'], {})) !== 0) {
    throw new Error('npm run agents failed; its words stand above');
  }
}

/**
 * Finds the engines of TEST_ENGINES (default: docker and podman) and builds the image with each of them by
 * `container/build.sh`, as people do. TEST_BASE_IMAGE names another base than Debian made on the spot, which the second
 * engine gets from the first. For bubblewrap the agents are installed on this machine, unless they are there.
 */
export default async function setup(): Promise<void> {
  for (const engine of ENGINES) {
    if ((await run(engine, ['version'], {}, true).catch(() => 1)) !== 0) {
      throw new Error(
        `These tests need ${engine}. Let them have engines of their own (as root): ` +
          '.ci/with-docker .ci/with-podman npm run test:containers. Or use yours, and name it: TEST_ENGINES=docker',
      );
    }
  }
  await Promise.all([buildImages(), installAgents()]);
}
