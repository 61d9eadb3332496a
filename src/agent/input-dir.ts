import { chmod, constants, lchown, lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Owner } from './directories.ts';
import { entriesOf, removeContents } from './remove-tree.ts';

/**
 * Empties a group's `input/` before a start. Links are removed, never followed. What cannot be removed (a tree deeper
 * than a path may be long, a directory without permissions) is moved out of the sandbox's reach with the directory.
 * @param aside where such a directory goes: outside every mount, on the same filesystem
 */
export async function emptyInput(directory: string, aside: string, owner: Owner | undefined): Promise<void> {
  try {
    await removeContents(directory);
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

/** Whether a follow-up waits in `input/`. @throws the system's errors */
export async function hasFollowUps(directory: string): Promise<boolean> {
  for await (const { entry } of entriesOf(directory)) {
    if (entry.name.endsWith('.json') && !entry.name.startsWith('.')) return true;
  }
  return false;
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
