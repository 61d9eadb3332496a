import { execFile } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import type { Owner } from '../../src/agent/directories.ts';
import { chooseRuntime } from '../../src/agent/runtime/choose.ts';
import type { Runtime } from '../../src/agent/runtime/runtime.ts';
import { PACKAGE_ROOT, type RuntimeRequest, sharedDirectory } from '../support/sandbox.ts';
import { ENGINES } from './engines.ts';
import { TEST_IMAGE } from './image.ts';

/** An engine that the tests use, by its program. */
export type EngineKind = 'docker' | 'podman';

/** The engines of this run of the tests. @throws when TEST_ENGINES names something else */
export const KINDS: readonly EngineKind[] = ENGINES.map((name) => {
  if (name !== 'docker' && name !== 'podman') throw new Error(`TEST_ENGINES names no engine: ${name}`);
  return name;
});

/** Runs an engine's program and gives its stdout. */
export async function engine(kind: EngineKind, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(kind, args)).stdout.trim();
}

let images = 0;

/** An image with another program in the runner's place, gone when the test has ended. */
async function imageWith(kind: EngineKind, program: string): Promise<string> {
  images += 1;
  const image = `nanoclaw-agent:test-${process.pid}-${images}`;
  const context = sharedDirectory();
  await copyFile(program, join(context, 'runner.mjs'));
  await writeFile(
    join(context, 'Dockerfile'),
    `FROM ${TEST_IMAGE}\nCOPY --chown=1000:1000 runner.mjs /app/agent-runner/runner.mjs\n`,
  );
  await engine(kind, 'build', '--quiet', '--network', 'none', '--tag', image, context);
  onTestFinished(async () => {
    await engine(kind, 'image', 'rm', '--force', image);
  });
  return image;
}

/** An engine as the tests' runtime. @param hostUser the host's user; absent: whoever runs the tests */
export async function engineRuntime(
  kind: EngineKind,
  { runnerFile, ...request }: RuntimeRequest,
  hostUser?: Owner,
): Promise<Runtime> {
  return chooseRuntime({
    ...request,
    requested: kind,
    provider: 'offline',
    image: runnerFile === undefined ? TEST_IMAGE : await imageWith(kind, runnerFile),
    packageRoot: PACKAGE_ROOT,
    environment: process.env,
    hostUser,
  });
}
