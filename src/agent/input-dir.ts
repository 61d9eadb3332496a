import { chmod, constants, lchown, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CLOSE_SENTINEL } from '../protocol/layout.ts';
import type { Owner } from './directories.ts';

/**
 * Empties a group's `input/` before a start. Links are removed, never followed. What cannot be removed (a tree deeper
 * than a path may be long, a directory without permissions) is moved out of the sandbox's reach with the directory.
 * @param aside where such a directory goes: outside every mount, on the same filesystem
 */
export async function emptyInput(directory: string, aside: string, owner: Owner | undefined): Promise<void> {
  try {
    // Names as bytes: not every name that a sandbox can make is UTF-8.
    for (const name of await readdir(directory, 'buffer')) {
      await rm(Buffer.concat([Buffer.from(`${directory}/`), name]), { recursive: true, force: true });
    }
  } catch {
    await mkdir(dirname(aside), { recursive: true });
    await chmod(directory, 0o700);
    await rename(directory, aside);
    await mkdir(directory, { mode: 0o755 });
    if (owner !== undefined) await lchown(directory, owner.uid, owner.gid);
  }
}

/**
 * Puts `_close` into `input/`, which asks the agent to finish. The sandbox can write there too, so the file is made
 * under a name of its own, following no link, and renamed.
 */
export async function writeCloseSentinel(directory: string, id: string): Promise<void> {
  const temporary = join(directory, `.close-${id}.tmp`);
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const file = await open(temporary, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o644);
  await file.close();
  try {
    await rename(temporary, join(directory, CLOSE_SENTINEL));
  } catch (error) {
    await unlink(temporary);
    throw error;
  }
}
