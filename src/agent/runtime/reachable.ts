import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Owner } from '../directories.ts';
import { RuntimeError } from './runtime.ts';

/** The sandbox's user may not search a directory on the way to something that it must be shown. */
export class UnreachableError extends RuntimeError {
  override readonly name = 'UnreachableError';

  constructor(directory: string, path: string, owner: Owner) {
    super(
      `The sandbox runs as uid ${owner.uid}, which may not search ${directory} on the way to ${path}. Allow it: chmod o+x ${directory}`,
    );
  }
}

/** The sandbox's user may not read the program that it is to run. */
export class UnreadableError extends RuntimeError {
  override readonly name = 'UnreadableError';

  constructor(path: string, owner: Owner) {
    const directory = dirname(path);
    super(
      `The sandbox runs as uid ${owner.uid}, which may not read ${path}. Allow it: chmod -R o+rX ${directory}`,
    );
  }
}

const SEARCH = 0o1;
const READ = 0o4;

async function may(path: string, owner: Owner, what: typeof SEARCH | typeof READ): Promise<boolean> {
  const { uid, gid, mode } = await stat(path);
  const shift = uid === owner.uid ? 6 : gid === owner.gid ? 3 : 0;
  return ((mode >> shift) & what) !== 0;
}

/** Makes sure that a user can read a file. @throws UnreadableError that names the cure */
export async function checkReadable(path: string, owner: Owner): Promise<void> {
  if (!(await may(path, owner, READ))) throw new UnreadableError(path, owner);
}

/**
 * Makes sure that a user can get to a path.
 * @throws UnreachableError that names the directory and the cure
 */
export async function checkReachable(path: string, owner: Owner): Promise<void> {
  const parents: string[] = [];
  for (let parent = dirname(path); parent !== parents[0]; parent = dirname(parent)) parents.unshift(parent);
  for (const parent of parents) {
    if (!(await may(parent, owner, SEARCH))) throw new UnreachableError(parent, path, owner);
  }
}
