import { accessSync, constants, statSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from './machine-trouble.ts';

/** A file that this user may not read, or not even look for. */
export class NoAccessError extends Error {
  override readonly name = 'NoAccessError';
  /** The system's own, like EACCES. */
  readonly code: string;

  constructor(path: string, cause: unknown) {
    const owner = ownerOf(path);
    const user = process.getuid?.();
    super(
      `${path} is not accessible to this user (uid ${user}).\nRun the command as the user that owns it (uid ${owner}), like: sudo${owner === 0 ? '' : ` -u '#${owner}'`} ./nanoclaw status`,
      { cause },
    );
    this.code = codeOf(cause);
  }
}

/** Who owns a path, or the nearest folder above it that can be seen. */
function ownerOf(path: string): number {
  try {
    return statSync(path).uid;
  } catch {
    return path === dirname(path) ? 0 : ownerOf(dirname(path));
  }
}

/** The error, or one that says who may where this user may not. */
export function withOwner(error: unknown, path: string): unknown {
  if (error instanceof NoAccessError) return error;
  return ['EACCES', 'EPERM'].includes(codeOf(error)) ? new NoAccessError(path, error) : error;
}

/**
 * Whether there is something under that name, a link that leads nowhere too.
 * @throws NoAccessError, the system's errors
 */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw withOwner(error, path);
  }
}

/**
 * Whether a file is there to be read, at once. One that this user may not read is not absent.
 * @throws NoAccessError, the system's errors
 */
export function isReadable(path: string): boolean {
  try {
    // Not by opening it: closing a database's file lets go of the locks that this process has on it.
    statSync(path);
    accessSync(path, constants.R_OK);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw withOwner(error, path);
  }
}
