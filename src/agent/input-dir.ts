import { chmod, constants, lchown, lstat, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
 * Puts a file into `input/`. The sandbox can write there too, so it is made under a name of its own, following no link, and
 * renamed.
 * @param name its leaf name
 * @param id a fresh id, for the temporary name
 */
export async function writeInput(
  directory: string,
  name: string,
  content: string,
  id: string,
): Promise<void> {
  const temporary = join(directory, `.${id}.tmp`);
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const file = await open(temporary, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o644);
  try {
    await file.writeFile(content);
  } finally {
    await file.close();
  }
  try {
    await rename(temporary, join(directory, name));
  } catch (error) {
    await unlink(temporary);
    throw error;
  }
}

/** Whether a follow-up waits in `input/`. */
export async function hasFollowUps(directory: string): Promise<boolean> {
  return (await readdir(directory)).some((name) => name.endsWith('.json') && !name.startsWith('.'));
}

/** Whether a file of `input/` is gone. */
export async function isGone(directory: string, name: string): Promise<boolean> {
  try {
    await lstat(join(directory, name));
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}
