import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENGINES } from './engines.ts';
import { TEST_IMAGE } from './image.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

async function run(program: string, args: readonly string[], quiet: boolean): Promise<number> {
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', quiet ? 'ignore' : 'inherit'],
    env: {
      ...process.env,
      CONTAINER_IMAGE: TEST_IMAGE,
      AGENT_PROVIDERS: 'claude,codex,kimi',
      INSTALL_CJK_FONTS: 'false',
      INSTALL_BROWSER: 'false',
      NANOCLAW_ROOT: root,
    },
  });
  const [code] = await once(child, 'close');
  return code ?? 1;
}

/**
 * Finds the engines of TEST_ENGINES (default: docker and podman) and builds the image with each of them by
 * `container/build.sh`, as people do. TEST_BASE_IMAGE names another base than Debian made on the spot. For bubblewrap the
 * agents are installed on this machine, unless they are there.
 */
export default async function setup(): Promise<void> {
  for (const engine of ENGINES) {
    if ((await run(engine, ['version'], true).catch(() => 1)) !== 0) {
      throw new Error(
        `These tests need ${engine}. Let them have engines of their own (as root): ` +
          '.ci/with-docker .ci/with-podman npm run test:containers. Or use yours, and name it: TEST_ENGINES=docker',
      );
    }
  }
  const base = process.env.TEST_BASE_IMAGE ?? 'debian';
  for (const engine of ENGINES) {
    if ((await run('container/build.sh', ['--runtime', engine, '--base', base], false)) !== 0) {
      throw new Error(`container/build.sh --runtime ${engine} --base ${base} failed; its words stand above`);
    }
  }
  if (existsSync(join(root, 'container', 'agent-runner', 'node_modules'))) return;
  if ((await run('npm', ['run', 'agents'], false)) !== 0) {
    throw new Error('npm run agents failed; its words stand above');
  }
}
