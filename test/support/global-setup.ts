import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pathsAt } from '../../src/paths.ts';
import { chooseTestRuntime, PACKAGE_ROOT } from './sandbox.ts';
import { silentLog } from './silent-log.ts';

/**
 * The agent's runner is bundled anew before the tests: a stale one would test yesterday's code. And the sandbox is
 * tried once, so that its name can be said at the end and TEST_SANDBOX=required fails before anything else.
 */
export default async function setup(): Promise<void> {
  await promisify(execFile)(process.execPath, ['container/agent-runner/bundle.mjs'], { cwd: PACKAGE_ROOT });
  const root = await mkdtemp(join(tmpdir(), 'nanoclaw-test-'));
  try {
    await chmod(root, 0o755);
    const runtime = await chooseTestRuntime({
      installId: 'setup',
      paths: pathsAt(root, root),
      log: silentLog,
    });
    process.env.NANOCLAW_TESTED_SANDBOX = runtime.description;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
