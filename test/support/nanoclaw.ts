import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { testProgram } from './program.ts';

/**
 * Runs a command of `nanoclaw` on a root to its end.
 * @returns what it printed
 * @throws the error of `execFile` when it exits with another code than 0
 */
export async function nanoclaw(root: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [testProgram('cli'), ...args], {
    env: { PATH: process.env.PATH, HOME: root, NANOCLAW_ROOT: root, TIMEZONE: 'Europe/Berlin' },
  });
  return stdout;
}
