import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { type Runtime, RuntimeError } from './runtime/runtime.ts';

/**
 * Ends what an earlier process of this install left behind and removes its runs' directories. To be called before the
 * first turn, by the one process that holds the root's lock.
 * @param runEnv `data/env/runs`
 * @param others the runtimes that the earlier process may have used; those that do not work here hold nothing
 * @returns how many sandboxes were ended
 * @throws RuntimeError when `runtime` cannot tell what it has
 */
export async function removeOrphans(
  runtime: Runtime,
  runEnv: string,
  log: Log,
  others: readonly Runtime[] = [],
): Promise<number> {
  const found = await Promise.all([
    runtime.listOwn().then((names) => ({ runtime, names })),
    ...others.map(async (other) => ({ runtime: other, names: await listIfItWorks(other, log) })),
  ]);
  const ended = new Set<string>();
  for (const { runtime: keeper, names } of found) {
    for (const name of names) {
      // The runtimes without an engine know each other's.
      if (ended.has(name)) continue;
      log.warn({ sandbox: name, runtime: keeper.kind }, 'Orphaned container removed');
      await keeper.kill(name);
      ended.add(name);
    }
  }
  for (const entry of await readdirIfThere(runEnv))
    await rm(join(runEnv, entry), { recursive: true, force: true });
  return ended.size;
}

async function listIfItWorks(runtime: Runtime, log: Log): Promise<string[]> {
  try {
    return await runtime.listOwn();
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    log.debug({ runtime: runtime.kind, reason: error.message }, 'No orphans can be there');
    return [];
  }
}

async function readdirIfThere(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
