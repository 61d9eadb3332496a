import { chmod, constants, lchown, lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withCleanUp } from '../clean-up.ts';
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
 * @param how.temporary its name until then, of which the sandbox knows nothing; absent: one that follows from `name`, itself a fresh one
 * @param how.beforeSeen called between the two; when it throws, nothing stays. When the rename fails after it, the temporary file stays: it
 * says that the file was never seen
 */
export async function writeInput(
  directory: string,
  name: string,
  content: string,
  how: { readonly temporary?: string; readonly beforeSeen?: (() => void) | undefined },
): Promise<void> {
  const temporary = join(directory, how.temporary ?? temporaryOf(name));
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const file = await open(temporary, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o644);
  let isNoted = false;
  try {
    await withCleanUp(
      async () => {
        await file.writeFile(content);
        // Whatever the umask is, the sandbox's user reads it.
        await file.chmod(0o644);
      },
      () => file.close(),
    );
    how.beforeSeen?.();
    isNoted = how.beforeSeen !== undefined;
    await rename(temporary, join(directory, name));
  } catch (error) {
    if (!isNoted) await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

function temporaryOf(name: string): string {
  return `.${name}.tmp`;
}

/** Whether a file that was written for `input/` has been there and is gone. @throws the system's errors */
export async function wasTaken(directory: string, name: string): Promise<boolean> {
  return (await isGone(directory, name)) && (await isGone(directory, temporaryOf(name)));
}

/** Whether a follow-up waits in `input/`. @throws the system's errors */
export async function hasFollowUps(directory: string): Promise<boolean> {
  for await (const { entry } of entriesOf(directory)) {
    if (entry.name.endsWith('.json') && !entry.name.startsWith('.')) return true;
  }
  return false;
}

async function isGone(directory: string, name: string): Promise<boolean> {
  try {
    await lstat(join(directory, name));
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}
