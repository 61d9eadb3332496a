import { lstat, mkdir, open, rename as realRename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../machine-trouble.ts';
import { MailboxError } from './errors.ts';

/**
 * Makes sure that files can be claimed out of a directory by renaming: on another filesystem, or behind a mount of its
 * own, that is impossible, and copying instead would let a file be swapped on the way. A directory that is not there, or
 * is none, has nothing to claim.
 * @param claims where claimed files go: `data/ipc-claimed` itself, where nothing but folders is looked for, or `data/outgoing`
 * @param id a name that nobody else uses
 * @throws MailboxError when the two lie on different filesystems
 */
export async function checkClaims(
  directory: string,
  claims: string,
  id: string,
  rename: typeof realRename = realRename,
): Promise<void> {
  await mkdir(claims, { recursive: true, mode: 0o700 });
  if (!(await isDirectory(directory))) return;
  const probe = join(directory, `.${id}.tmp`);
  const target = join(claims, '.probe');
  await (await open(probe, 'wx', 0o600)).close();
  try {
    await rename(probe, target);
    await unlink(target);
  } catch (error) {
    await unlink(probe).catch(() => undefined);
    if (codeOf(error) !== 'EXDEV') throw error;
    throw new MailboxError(
      `Files cannot be taken out of ${directory}: it and ${claims} lie on different filesystems or mounts. Put both on one, with all of data/ inside one mount.`,
      { cause: error },
    );
  }
}

/** Whether there is a real directory, no link to one. */
export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
