import type { Dirent } from 'node:fs';
import { opendir, rmdir, unlink } from 'node:fs/promises';

/** Entries read at once. */
const PIECE = 64;

/**
 * The entries of a directory as bytes, read in small pieces: however many a sandbox has made, the event loop goes on. Not
 * every name that it can make is UTF-8.
 * @throws the system's errors
 */
export async function* entriesOf(
  directory: string | Buffer,
): AsyncGenerator<{ readonly path: Buffer; readonly entry: Dirent }> {
  // In latin1 every byte is a character.
  const entries = await opendir(directory, { encoding: 'latin1', bufferSize: PIECE });
  const parent = Buffer.concat([Buffer.from(directory), Buffer.from('/')]);
  for await (const entry of entries)
    yield { path: Buffer.concat([parent, Buffer.from(entry.name, 'latin1')]), entry };
}

/**
 * Removes what is in a directory, one after the other and following no link: `rm` of a large tree would stop the event loop
 * for seconds. Only to be called while nothing else changes it.
 * @throws the system's errors
 */
export async function removeContents(directory: string | Buffer): Promise<void> {
  for await (const { path, entry } of entriesOf(directory)) {
    if (!entry.isDirectory()) {
      await unlink(path);
      continue;
    }
    await removeContents(path);
    await rmdir(path);
  }
}
