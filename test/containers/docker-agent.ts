import { execFile } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import type { Owner } from '../../src/agent/directories.ts';
import { chooseRuntime } from '../../src/agent/runtime/choose.ts';
import type { Runtime } from '../../src/agent/runtime/runtime.ts';
import { PACKAGE_ROOT, type RuntimeRequest, sharedDirectory } from '../support/sandbox.ts';
import { TEST_IMAGE } from './image.ts';

/** Runs the docker program and gives its stdout. */
export async function docker(...args: string[]): Promise<string> {
  return (await promisify(execFile)('docker', args)).stdout.trim();
}

let images = 0;

/** An image with another program in the runner's place, gone when the test has ended. */
async function imageWith(program: string): Promise<string> {
  images += 1;
  const image = `nanoclaw-agent:test-${process.pid}-${images}`;
  const context = sharedDirectory();
  await copyFile(program, join(context, 'runner.mjs'));
  await writeFile(
    join(context, 'Dockerfile'),
    `FROM ${TEST_IMAGE}\nCOPY --chown=1000:1000 runner.mjs /app/agent-runner/runner.mjs\n`,
  );
  await docker('build', '--quiet', '--network', 'none', '--tag', image, context);
  onTestFinished(async () => {
    await docker('image', 'rm', '--force', image);
  });
  return image;
}

/** Docker as the tests' runtime. @param hostUser the host's user; absent: whoever runs the tests */
export async function dockerRuntime(
  { runnerFile, ...request }: RuntimeRequest,
  hostUser?: Owner,
): Promise<Runtime> {
  return chooseRuntime({
    ...request,
    requested: 'docker',
    provider: 'offline',
    image: runnerFile === undefined ? TEST_IMAGE : await imageWith(runnerFile),
    packageRoot: PACKAGE_ROOT,
    environment: process.env,
    hostUser,
  });
}
