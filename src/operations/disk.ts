import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, stat, statfs, unlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { codeOf, isBehind, isPassing } from '../machine-trouble.ts';
import type { Paths } from '../paths.ts';

/** A disk of the root that takes nothing now. */
export interface DiskTrouble {
  /** Those of `store/`, `data/`, `groups/` and `logs/` that lie on it. */
  readonly folders: readonly string[];
  readonly kind: 'full' | 'read-only' | 'failing';
  /** What was seen, in words. */
  readonly detail: string;
  readonly cure: string;
}

/** Something cannot be done because of a disk; the text names the cure. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
}

/** What an answer and its database pages need at least, in bytes: with less nothing works. */
const LEAST_BYTES = 64 * 1024;

/** One disk, as far as writing goes: its number, and whether it is read-only where the root lies. */
interface Disk {
  readonly directory: string;
  readonly folders: string[];
  readonly isReadOnly: boolean;
}

/**
 * Tries the disks on which the root lies: free space, files that may still be made, and a write to each, of which nothing stays.
 * @returns those that take nothing; empty: all is well, or this user may not try. Never rejects.
 */
export async function lookAtDisks(paths: Paths): Promise<readonly DiskTrouble[]> {
  const troubles: DiskTrouble[] = [];
  for (const disk of await disksOf(paths)) {
    const trouble = await lookAt(disk).catch(() => undefined);
    if (trouble !== undefined) troubles.push({ ...trouble, folders: disk.folders });
  }
  return troubles;
}

/** `store/, data/: the disk is full (0 B of 24 MB free)` */
export function troubleWords({ folders, detail }: DiskTrouble): string {
  return `${folders.join(', ')}: ${detail}`;
}

/**
 * What met a full or read-only disk, said as that, with its cure.
 * @param what cannot be done, in words
 * @returns the error itself when no disk is to blame
 */
export async function blameDisk(error: unknown, what: string, paths: Paths): Promise<unknown> {
  const [trouble] = isBehind(error, isPassing) ? await lookAtDisks(paths) : [];
  if (trouble === undefined) return error;
  return new DiskError(`${what}. ${troubleWords(trouble)}. ${trouble.cure}`, { cause: error });
}

async function disksOf(paths: Paths): Promise<readonly Disk[]> {
  const disks = new Map<string, Disk>();
  const add = async (directory: string): Promise<void> => {
    const seen = await stat(directory).catch(() => undefined);
    if (seen === undefined) return;
    const isReadOnly = await access(directory, constants.W_OK).then(
      () => false,
      (error: unknown) => codeOf(error) === 'EROFS',
    );
    const key = `${seen.dev} ${isReadOnly}`;
    const disk = disks.get(key) ?? { directory, folders: [], isReadOnly };
    disk.folders.push(`${relative(paths.root, directory) || paths.root}/`);
    disks.set(key, disk);
  };
  for (const directory of [paths.store, paths.data, paths.groups, paths.logs]) await add(directory);
  // Before the first start there is nothing else.
  if (disks.size === 0) await add(paths.root);
  return [...disks.values()];
}

async function lookAt({ directory, isReadOnly }: Disk): Promise<Omit<DiskTrouble, 'folders'> | undefined> {
  if (isReadOnly) return READ_ONLY;
  const { bavail, bfree, bsize, blocks, files, ffree } = await statfs(directory);
  const free = (process.getuid?.() === 0 ? bfree : bavail) * bsize;
  const room = `${bytesInWords(free)} of ${bytesInWords(blocks * bsize)} free`;
  if (free < LEAST_BYTES) return full(`the disk is full (${room})`);
  if (files > 0 && ffree === 0) return full(`the disk is full (no more files can be made on it; ${room})`);
  const failure = await tryToWrite(directory);
  switch (codeOf(failure)) {
    case '':
    case 'EACCES':
    case 'EPERM':
      return undefined;
    case 'EROFS':
      return READ_ONLY;
    case 'EDQUOT':
      return full(`the quota of this user is used up (${room})`);
    case 'ENOSPC':
      return full(`the disk is full (${room})`);
    default:
      return {
        kind: 'failing',
        detail: `the disk cannot be written (${(failure as Error).message})`,
        cure: 'Look at what the system says of it: dmesg, or journalctl -k',
      };
  }
}

const READ_ONLY = {
  kind: 'read-only',
  detail: 'the disk is read-only',
  cure: 'Make it writable: mount -o remount,rw. A disk that met an error is made read-only by the system, and dmesg says why',
} as const;

function full(detail: string): Omit<DiskTrouble, 'folders'> {
  const cure = 'Make room on it. du -xh --max-depth=2 shows what takes it';
  return { kind: 'full', detail, cure };
}

/** @returns what it failed with */
async function tryToWrite(directory: string): Promise<unknown> {
  const path = join(directory, `.nanoclaw-${randomUUID()}.tmp`);
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  try {
    const file = await open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600);
    try {
      // At once: nothing stays, however this ends.
      await unlink(path);
      await file.write(Buffer.alloc(LEAST_BYTES, 'x'));
      await file.datasync();
    } finally {
      await file.close();
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

function bytesInWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
