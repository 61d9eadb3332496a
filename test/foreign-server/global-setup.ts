import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PACKAGE_ROOT } from '../support/sandbox.ts';

/** Installs the foreign server, which one test needs; without it that test is skipped, unless it is required. */
export default async function setup(): Promise<void> {
  try {
    await promisify(execFile)('npm', ['run', '-s', 'foreign-server'], { cwd: PACKAGE_ROOT });
  } catch {
    console.log('The foreign server cannot be installed: its test is skipped.');
  }
}
