import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { TEST_IMAGE } from './image.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

async function run(program: string, args: readonly string[], quiet: boolean): Promise<number> {
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', quiet ? 'ignore' : 'inherit'],
    env: { ...process.env, CONTAINER_IMAGE: TEST_IMAGE },
  });
  const [code] = await once(child, 'close');
  return code ?? 1;
}

/**
 * Finds a Docker engine and builds the image by `container/build.sh`, as people do.
 * TEST_BASE_IMAGE names another base than Debian made on the spot.
 */
export default async function setup(): Promise<void> {
  if ((await run('docker', ['version'], true).catch(() => 1)) !== 0) {
    throw new Error(
      'These tests need a Docker engine. Set DOCKER_HOST, or let them have one of their own (as root): .ci/with-docker npm run test:containers',
    );
  }
  const base = process.env.TEST_BASE_IMAGE ?? 'debian';
  if ((await run('container/build.sh', ['--base', base], false)) !== 0) {
    throw new Error(`container/build.sh --base ${base} failed; its words stand above`);
  }
}
