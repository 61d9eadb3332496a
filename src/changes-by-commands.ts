import { watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from './log.ts';
import { replaceFile } from './replace-file.ts';

/**
 * Says to the host that runs on a root, if there is one, that a command has changed the database.
 * @param directory `paths.changed`
 * @param at milliseconds since the epoch
 * @throws the errors of the disk
 */
export async function announceChange(directory: string, at: number): Promise<void> {
  await mkdir(directory, { recursive: true });
  await replaceFile(join(directory, 'database'), `${new Date(at).toISOString()}\n`);
}

/**
 * Calls `onChange` when a command has changed the database, once or more. Only an event, never the truth: one
 * that is missed costs time until the next look for work.
 * @param directory `paths.changed`, which exists
 * @returns a function that stops it
 */
export function watchChanges(directory: string, onChange: () => void, log: Log): () => void {
  const tell = (error: unknown): void =>
    log.warn(
      { err: error },
      'Changes by commands cannot be watched; they take effect when the host looks for work',
    );
  try {
    const watcher = watch(directory, onChange).on('error', tell);
    return () => watcher.close();
  } catch (error) {
    tell(error);
    return () => undefined;
  }
}
