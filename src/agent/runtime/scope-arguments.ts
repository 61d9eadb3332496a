import type { Owner } from '../directories.ts';
import { LIMITS } from './limits.ts';

/** Of util-linux, as prlimit is. systemd-run's own `--uid` refuses a user that has no name on this machine. */
const SETPRIV = '/usr/bin/setpriv';

/**
 * What follows `systemd-run` on the command line that runs another one in a scope: control groups of its own.
 *
 * systemd-run has its own process put into the new scope and then becomes the command. So the process that the host started
 * stays the same one, with its number, its start time, its open files, its group and its parent: records, signals and
 * `--die-with-parent` reach it as without a scope. A scope ends with its last process.
 * @param owner who the command is to be; only root may ask. Undefined: whoever asks, whose own systemd makes the scope
 * @param unit the scope's name; undefined: systemd chooses one that is free
 */
export function scopeArguments(
  owner: Owner | undefined,
  unit: string | undefined,
  command: readonly string[],
): readonly string[] {
  const becoming = owner && [SETPRIV, '--reuid', owner.uid, '--regid', owner.gid, '--clear-groups', '--'];
  return [
    ...(owner === undefined ? ['--user'] : []),
    '--scope',
    ...(unit === undefined ? [] : ['--unit', unit]),
    // Words of its own would stand among the agent's.
    '--quiet',
    // One that failed would keep its name.
    '--collect',
    ...['--property', `MemoryMax=${LIMITS.memory.toUpperCase()}`],
    ...['--property', `TasksMax=${LIMITS.pids}`],
    '--',
    ...(becoming ?? []).map(String),
    ...command,
  ];
}
