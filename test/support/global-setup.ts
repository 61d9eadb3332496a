import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { pathsAt } from '../../src/paths.ts';
import { compileTestPrograms } from './program.ts';
import { chooseTestRuntime, PACKAGE_ROOT } from './sandbox.ts';
import { silentLog } from './silent-log.ts';

/**
 * Compiles the agent's runner and the host as the sources are now, and tries the sandbox, so that its name can be
 * reported and TEST_SANDBOX=required fails before anything else. Once for all projects of a run.
 * @returns what removes the compiled programs
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.NANOCLAW_TESTED_SANDBOX !== undefined) return undefined;
  await promisify(execFile)(process.execPath, ['container/agent-runner/bundle.mjs'], { cwd: PACKAGE_ROOT });
  const programs = await compileTestPrograms();
  process.env.NANOCLAW_TESTED_SANDBOX = await trySandbox();
  return () => rm(programs, { recursive: true, force: true });
}

async function trySandbox(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'nanoclaw-test-'));
  try {
    await chmod(root, 0o755);
    const paths = pathsAt(root, root);
    return (await chooseTestRuntime({ installId: 'setup', paths, log: silentLog })).description;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
