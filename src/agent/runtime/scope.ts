import { SECOND } from '../../clock.ts';
import type { Owner } from '../directories.ts';
import { runCommand } from './command.ts';
import { firstLine } from './engine-failure.ts';
import { LIMITS } from './limits.ts';
import type { Spawn } from './runtime.ts';
import { scopeArguments } from './scope-arguments.ts';

export const SYSTEMD_RUN = 'systemd-run';

const TRIAL_TIMEOUT_MS = 10 * SECOND;
/** What systemd-run may see: where the user's systemd is. */
const CLIENT_VARIABLES = /^(?:PATH|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS)$/;

/**
 * Prints the limit of its control group's memory. Of version 2 only: with version 1 systemd does not always notice that a scope has run
 * empty, and keeps it.
 */
const READ_LIMIT = 'cat "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/memory.max" 2>/dev/null; exit 0';

export interface ScopeTrialOptions {
  /** Who the sandboxes are; undefined: the host's own user. */
  readonly owner: Owner | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly spawn: Spawn;
}

/** @returns the part of the host's environment that systemd-run needs */
export function scopeEnvironment(environment: ScopeTrialOptions['environment']): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => CLIENT_VARIABLES.test(name)));
}

/**
 * Tries whether systemd limits what it is asked to limit. That it is installed tells nothing: process 1 may be another one, the
 * user may have no systemd of their own, and one that was not given the memory's control group takes the limit and does nothing.
 * @returns why not; undefined: it does
 */
export async function tryScope(options: ScopeTrialOptions): Promise<string | undefined> {
  const { owner, environment, spawn } = options;
  const args = scopeArguments(owner, undefined, ['/bin/sh', '-c', READ_LIMIT]);
  try {
    const env = scopeEnvironment(environment);
    const trial = await runCommand(SYSTEMD_RUN, args, { spawn, timeoutMs: TRIAL_TIMEOUT_MS, env });
    if (trial.code !== 0) return firstLine(trial.stderr) || 'systemd does not answer';
    return trial.stdout.trim() === String(LIMITS.memoryBytes)
      ? undefined
      : 'systemd was given no control group of memory, version 2';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'there is no systemd' : message;
  }
}
