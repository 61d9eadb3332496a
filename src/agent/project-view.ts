import { constants } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Paths } from '../paths.ts';
import type { Mount } from './mounts.ts';

/** The package's directories that main may read. The root itself is never shown: it holds the account and the keys. */
const PACKAGE_DIRECTORIES = ['src', 'container', 'docs'] as const;

const TEXT_FILE = /^(?:[A-Za-z0-9_-]+\.md|LICENSE|package\.json|tsconfig[a-z.]*\.json|\.env\.example)$/;
const MAX_FILE_BYTES = 1024 * 1024;

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Copies the package's top-level text files into the view, anew. Called once at start.
 * @returns the mounts that make up main's read-only view of the project
 */
export async function prepareProjectView(
  paths: Paths,
  packageRoot: string,
  containerPath: string,
): Promise<Mount[]> {
  const view = paths.projectView;
  await rm(view, { recursive: true, force: true });
  await mkdir(view, { recursive: true });
  // Whatever the umask is, the sandbox's user reads all of it.
  await chmod(view, 0o755);
  for (const name of await readdir(packageRoot)) {
    if (!TEXT_FILE.test(name)) continue;
    const found = await lstat(join(packageRoot, name));
    if (!found.isFile() || found.size > MAX_FILE_BYTES) continue;
    await copyFile(join(packageRoot, name), join(view, name), constants.COPYFILE_EXCL);
    await chmod(join(view, name), 0o644);
  }
  const mounts: Mount[] = [{ hostPath: view, containerPath, readonly: true }];
  const sources = [
    ...PACKAGE_DIRECTORIES.map((name) => [name, join(packageRoot, name)] as const),
    ['groups', paths.groups] as const,
  ];
  for (const [name, hostPath] of sources) {
    if (!(await isDirectory(hostPath))) continue;
    // The view is mounted read-only: the mount points below it must be there before.
    await mkdir(join(view, name));
    mounts.push({ hostPath, containerPath: `${containerPath}/${name}`, readonly: true });
  }
  return mounts;
}
