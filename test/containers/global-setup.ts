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

async function buildImage(engine: string): Promise<void> {
  const base = process.env.TEST_BASE_IMAGE ?? 'debian';
  const code = await run('container/build.sh', ['--runtime', engine, '--base', base], {
    CONTAINER_IMAGE: TEST_IMAGE,
    AGENT_PROVIDERS: 'claude,codex,kimi',
    INSTALL_CJK_FONTS: 'false',
    INSTALL_BROWSER: 'false',
    NANOCLAW_ROOT: root,
    // The engines build at the same time: each lays its files ready in its own place.
    CONTAINER_BUILD_DIR: join(root, 'container', 'agent-runner', 'dist', 'image', engine),
  });
  if (code !== 0) {
    throw new Error(`container/build.sh --runtime ${engine} --base ${base} failed; its words stand above`);
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
 * `container/build.sh`, as people do. TEST_BASE_IMAGE names another base than Debian made on the spot. For bubblewrap the
 * agents are installed on this machine, unless they are there.
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
  await Promise.all([...ENGINES.map(buildImage), installAgents()]);
}
