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

const SEARCH = { owner: 0o100, group: 0o010, others: 0o001 } as const;

async function isSearchable(directory: string, owner: Owner): Promise<boolean> {
  const { uid, gid, mode } = await stat(directory);
  const bit = uid === owner.uid ? SEARCH.owner : gid === owner.gid ? SEARCH.group : SEARCH.others;
  return (mode & bit) !== 0;
}

/**
 * Makes sure that a user can get to a path.
 * @throws UnreachableError that names the directory and the cure
 */
export async function checkReachable(path: string, owner: Owner): Promise<void> {
  const parents: string[] = [];
  for (let parent = dirname(path); parent !== parents[0]; parent = dirname(parent)) parents.unshift(parent);
  for (const parent of parents) {
    if (!(await isSearchable(parent, owner))) throw new UnreachableError(parent, path, owner);
  }
}
