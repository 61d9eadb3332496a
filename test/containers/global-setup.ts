import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENGINES } from './engines.ts';
import { TEST_IMAGE } from './image.ts';

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

/** Gives an engine the Debian base that another one has made: debootstrap takes a minute. */
async function copyBase(from: string, to: string): Promise<void> {
  const copy = [
    `name=$(${from} image ls --format '{{.Repository}}:{{.Tag}}' nanoclaw-base | head -n 1)`,
    `container=$(${from} create "$name" true)`,
    `${from} export "$container" | ${to} import --change 'CMD ["bash"]' - "$name"`,
    `${from} rm "$container"`,
  ].join(' && ');
  if ((await run('bash', ['-o', 'pipefail', '-c', copy], {}, true)) !== 0) {
    throw new Error(`the base image could not be copied from ${from} to ${to}`);
  }
}

async function buildImages(): Promise<void> {
  for (const [index, engine] of ENGINES.entries()) {
    const maker = ENGINES[index - 1];
    if (maker !== undefined && base === 'debian') await copyBase(maker, engine);
    await buildImage(engine);
  }
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
