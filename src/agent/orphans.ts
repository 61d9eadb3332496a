import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import type { Runtime } from './runtime/runtime.ts';

/**
 * Ends what an earlier process of this install left behind and removes its runs' directories. To be called before the
 * first turn, by the one process that holds the root's lock.
 * @param runEnv `data/env/runs`
 * @returns how many sandboxes were ended
 */
export async function removeOrphans(runtime: Runtime, runEnv: string, log: Log): Promise<number> {
  const names = await runtime.listOwn();
  for (const name of names) {
    log.warn({ sandbox: name }, 'Orphaned container removed');
    await runtime.kill(name);
  }
  for (const entry of await readdirIfThere(runEnv))
    await rm(join(runEnv, entry), { recursive: true, force: true });
  return names.length;
}

async function readdirIfThere(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
