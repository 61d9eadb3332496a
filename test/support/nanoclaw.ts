import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { testProgram } from './program.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The variables that a command of `nanoclaw` gets on a root. */
export function environmentOf(root: string): Readonly<Record<string, string>> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: root,
    NANOCLAW_ROOT: root,
    AGENT_PROVIDER: 'offline',
    TIMEZONE: 'Europe/Berlin',
  };
}

/**
 * Runs a command of `nanoclaw` on a root to its end, without a terminal.
 * @param env more variables, and others
 */
export async function runNanoclaw(
  root: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const run = promisify(execFile)(process.execPath, [testProgram('cli'), ...args], {
    env: { ...environmentOf(root), ...env },
    timeout: inject('waitMs'),
  });
  try {
    return { code: 0, ...(await run) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

/** As `runNanoclaw`. @returns what it printed @throws when it exits with another code than 0 */
export async function nanoclaw(root: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runNanoclaw(root, args);
  if (code !== 0) throw new Error(`nanoclaw ${args.join(' ')} exited with ${code}: ${stderr}`);
  return stdout;
}
