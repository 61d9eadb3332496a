import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { exists } from '../../exists.ts';
import { codeOf } from '../../machine-trouble.ts';
import type { Paths } from '../../paths.ts';
import { replaceFile } from '../../replace-file.ts';
import { ACCOUNT, MESSAGES, TREES } from './archive.ts';

/**
 * The last part of a restore: what is there goes aside, and what was made ready takes its place, one rename after the other.
 *
 * 1. All is made ready in a directory that nobody knows. A kill leaves the old state, and a directory that the next restore removes.
 * 2. That directory gets the name `data/restore-ready`: from here on the restore has happened.
 * 3. The renames. A kill leaves some of them undone; whoever opens the root next, a start or a restore, does them first.
 * 4. The directory goes.
 */
const Plan = z.object({
  aside: z.string().describe('where the old state goes, below the root'),
  account: z.boolean().describe('whether the account is replaced too'),
});
export type Plan = z.infer<typeof Plan>;

const PLAN = 'plan.json';

/** Where the new state lies below a directory that was made ready. */
export const NEW = 'new';

export function readyDirectory(paths: Paths): string {
  return join(paths.data, 'restore-ready');
}

/** A database has files beside it, and another one must not find them. */
const withSides = (name: string): readonly string[] => [`${name}-wal`, `${name}-shm`, name];

/**
 * The old state that has no place in the new one beside what is replaced: files of mailboxes, which a database that knows nothing of them
 * would take once more, and files that were to be sent.
 */
const WITHOUT_REPLACEMENT = ['data/ipc', 'data/ipc-claimed', 'data/outgoing'] as const;

/** The point from which on the restore has happened. @param directory holds the new state in `new/` */
export async function commitSwap(paths: Paths, directory: string, plan: Plan): Promise<void> {
  await replaceFile(join(directory, PLAN), JSON.stringify(plan), 0o600);
  await rename(directory, readyDirectory(paths));
}

/**
 * Ends a restore that a kill cut off after it had happened. To be called by whoever holds the lock of the root, before the database is
 * opened.
 * @returns whether there was one
 */
export async function finishSwap(paths: Paths): Promise<boolean> {
  const ready = readyDirectory(paths);
  const written = await readFile(join(ready, PLAN), 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (written === undefined) return false;
  const plan = Plan.parse(JSON.parse(written));
  const aside = join(paths.root, plan.aside);
  const databases = [MESSAGES, ...(plan.account ? [ACCOUNT] : [])];
  for (const name of databases) {
    // As long as the new one has not taken the place, what is there is old.
    if (await exists(join(ready, NEW, name)))
      for (const old of withSides(name)) await moveOnce(paths.root, old, aside);
  }
  for (const name of TREES) {
    if (await exists(join(ready, NEW, name))) await moveOnce(paths.root, name, aside);
  }
  for (const name of WITHOUT_REPLACEMENT) await moveOnce(paths.root, name, aside);
  for (const name of [...TREES, ...databases]) {
    if (!(await exists(join(ready, NEW, name)))) continue;
    await mkdir(dirname(join(paths.root, name)), { recursive: true });
    await rename(join(ready, NEW, name), join(paths.root, name));
  }
  // The plan goes first, by a rename: a directory without one is rubbish.
  const done = join(paths.data, `restore-${Date.now()}.tmp`);
  await rename(ready, done);
  await rm(done, { recursive: true, force: true });
  return true;
}

/** A rename that a kill may have separated from what follows it. */
async function moveOnce(root: string, name: string, aside: string): Promise<void> {
  const target = join(aside, name);
  if ((await exists(target)) || !(await exists(join(root, name)))) return;
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await rename(join(root, name), target);
}
