import { chmod, mkdir, stat } from 'node:fs/promises';
import { admit } from './agent/directories.ts';
import { ownerFor } from './agent/runtime/agent-user.ts';
import { systemClock } from './clock.ts';
import type { BaseConfig } from './config.ts';
import { followAssistantName } from './groups/registration.ts';
import type { Log } from './log.ts';
import { adoptV1Files } from './operations/adopt-v1-files.ts';
import { finishSwap } from './operations/backup/swap.ts';
import { type Paths, pathsAt } from './paths.ts';
import { HostLock } from './store/host-lock.ts';
import { openStore, type Store } from './store/store.ts';

/** One root, held by this process alone, with its database open. */
export interface Instance {
  readonly paths: Paths;
  readonly store: Store;
  /** Closes the database and lets another process in. */
  close(): void;
}

/**
 * Takes the lock, opens the database and takes over what an earlier system left.
 * @throws HostLockError, DatabaseError
 */
export async function openInstance(config: BaseConfig, log: Log): Promise<Instance> {
  const paths = pathsAt(config.root);
  const lock = HostLock.acquire(paths.hostLock, process.pid);
  let store: Store | undefined;
  try {
    // Before anything is made that would stand in its way.
    if (await finishSwap(paths)) log.warn('Ended a restore that was cut off');
    await makeDirectories(paths);
    store = openStore(paths.database);
    beginRecord(store, lock.start);
    await adoptV1Files(store, paths, log, systemClock.now());
    followAssistantName(store, `@${config.assistantName}`);
  } catch (error) {
    store?.close();
    lock.release();
    throw error;
  }
  const opened = store;
  return {
    paths,
    store: opened,
    close: () => {
      try {
        opened.close();
      } finally {
        lock.release();
      }
    },
  };
}

/** What an earlier host saw of the line says nothing of this one, which has not come to it yet. */
function beginRecord(store: Store, start: string): void {
  store.transaction(() => {
    store.state.set('line', 'starting');
    store.state.set('line:since', new Date(systemClock.now()).toISOString());
    store.state.set('line:host', start);
  });
}

async function makeDirectories(paths: Paths): Promise<void> {
  const { root, groups, data, logs, globalGroup, store, changed } = paths;
  for (const directory of [groups, data, logs, globalGroup, store, changed]) {
    await mkdir(directory, { recursive: true });
  }
  // Messages, files that people sent, transcripts and the account lie there: nobody else's business, and what a sandbox
  // makes there is not to be run by others.
  for (const directory of [store, logs]) await chmod(directory, 0o700);
  const agent = ownerFor(process.getuid?.() ?? 0);
  for (const directory of [groups, data]) {
    const { mode } = await stat(directory);
    await chmod(directory, mode & (agent === undefined ? 0o700 : 0o770));
  }
  if (agent === undefined) return;
  for (const directory of [root, data]) await admit(directory, agent, 'through');
  // Main lists the groups.
  await admit(groups, agent, 'in');
}
