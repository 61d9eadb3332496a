import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { withCleanUp } from '../../clean-up.ts';
import { HOUR } from '../../clock.ts';
import { exists } from '../../exists.ts';
import type { Paths } from '../../paths.ts';
import { printable } from '../../printable.ts';
import { formatForFileName } from '../../schedule/schedule.ts';
import { snapshotDatabase } from '../../store/snapshot.ts';
import { ACCOUNT, ArchiveWriter, MESSAGES, TREES } from './archive.ts';
import { BackupError } from './errors.ts';
import { treeOf } from './safe-tree.ts';

export interface BackupOptions {
  readonly paths: Paths;
  /** Absent: a name of its own in `data/backups`. */
  readonly file: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly timezone: string;
}

/** Something that is not in a backup, and why. */
export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

export interface BackupReport {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** How many files of groups and sessions it holds. */
  readonly files: number;
  readonly hasAccount: boolean;
  readonly leftOut: readonly LeftOut[];
}

/** What a crash left of a backup is removed by the first one after so long: no backup takes it. */
const UNFINISHED_MS = 24 * HOUR;
const UNFINISHED = '.nanoclaw-unfinished-';

/**
 * Files may have so many bytes together that are on no disk: a sandbox makes a file with a hole of terabytes in an instant, and it would
 * be read for days.
 */
const MOST_HOLES = 1024 ** 3;

/** Each turn links the assistant's own skills there anew. */
const SKILL = /^data\/sessions\/[^/]+\/\.[^/]+\/skills\/[^/]+$/;

/** So many reasons are kept; the number of the others is told. */
const MOST_LEFT_OUT = 1_000;

/**
 * Puts what a root needs to go on into one file, while a host may be at work there. The account comes first: what it has let go of is
 * then among the messages.
 * @throws BackupError when there is nothing yet, or something has the file's name
 * @throws the system's errors when the machine is the cause; nothing bears the file's name then
 */
export async function takeBackup(options: BackupOptions): Promise<BackupReport> {
  const { paths, now } = options;
  if (!(await exists(paths.database)))
    throw new BackupError(`Nothing is there yet in ${paths.root}. Pair first: ./nanoclaw pair`);
  const backups = join(paths.data, 'backups');
  await mkdir(backups, { recursive: true, mode: 0o700 });
  const name = `nanoclaw-${formatForFileName(now, options.timezone)}.tar.gz`;
  const file = options.file === undefined ? join(backups, name) : resolve(options.file);
  if (await exists(file)) throw new BackupError(`${file} exists already. Give the backup another name.`);
  for (const directory of new Set([backups, dirname(file)])) await sweep(directory, now);
  const work = join(backups, `${UNFINISHED}${randomUUID()}`);
  const unfinished = join(dirname(file), `${UNFINISHED}${randomUUID()}`);
  return withCleanUp(
    async () => {
      await mkdir(work, { mode: 0o700 });
      const report = await write(paths, work, unfinished, now);
      await rename(unfinished, file);
      return { ...report, file, size: (await stat(file)).size };
    },
    async () => {
      await rm(unfinished, { force: true });
      await rm(work, { recursive: true, force: true });
    },
  );
}

async function write(
  paths: Paths,
  work: string,
  target: string,
  now: number,
): Promise<Omit<BackupReport, 'file' | 'size'>> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const output = await open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  const archive = new ArchiveWriter(output);
  const tally = new Tally();
  let hasAccount: boolean;
  try {
    await archive.begin(now);
    hasAccount = await addDatabase(archive, paths.whatsappDatabase, ACCOUNT, work);
    await addDatabase(archive, paths.database, MESSAGES, work);
    for (const tree of TREES) await addTree(archive, join(paths.root, tree), tree, tally);
    await archive.end();
  } catch (error) {
    archive.abandon();
    throw error;
  }
  const written = await open(target, 'r');
  await withCleanUp(
    () => written.sync(),
    () => written.close(),
  );
  return { files: tally.files, hasAccount, leftOut: tally.leftOut };
}

async function addDatabase(
  archive: ArchiveWriter,
  file: string,
  name: string,
  work: string,
): Promise<boolean> {
  if (!(await exists(file))) return false;
  const copy = join(work, randomUUID());
  await snapshotDatabase(file, copy);
  const handle = await open(copy, 'r');
  await withCleanUp(
    async () => archive.addFile(name, await handle.stat(), handle),
    () => handle.close(),
  );
  await rm(copy);
  return true;
}

async function addTree(archive: ArchiveWriter, directory: string, tree: string, tally: Tally): Promise<void> {
  if (!(await exists(directory))) return;
  // The logs of runs are logs.
  const isLog = (name: string): boolean => tree === 'groups' && /^[^/]+\/logs$/.test(name);
  // An owner may have put it on another disk, by a link that no sandbox can change.
  for await (const found of treeOf(await realpath(directory), isLog)) {
    const name = `${tree}/${found.name}`;
    if (found.kind === 'left' && found.reason === 'a link' && SKILL.test(name)) continue;
    if (found.kind === 'left') tally.leave(name, found.reason);
    else if (found.kind === 'directory') await archive.addDirectory(name, found.stats);
    else if (tally.takes(name, found.stats)) {
      const isWhole = await archive.addFile(name, found.stats, found.file);
      if (!isWhole) tally.leave(name, 'its end: it was cut off while it was read');
    }
  }
}

/** What was taken, and what was not. */
class Tally {
  readonly leftOut: LeftOut[] = [];
  files = 0;
  #holes = 0;

  leave(name: string, reason: string): void {
    if (this.leftOut.length < MOST_LEFT_OUT) this.leftOut.push({ name, reason });
  }

  takes(name: string, { size, blocks }: { readonly size: number; readonly blocks: number }): boolean {
    const holes = Math.max(0, size - blocks * 512);
    if (this.#holes + holes > MOST_HOLES) {
      this.leave(name, 'most of it is a hole');
      return false;
    }
    this.#holes += holes;
    this.files += 1;
    return true;
  }
}

async function sweep(directory: string, now: number): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(UNFINISHED)) continue;
    const path = join(directory, name);
    if ((await lstat(path)).mtimeMs < now - UNFINISHED_MS) await rm(path, { recursive: true, force: true });
  }
}

const KILOBYTE = 1024;
const MEGABYTE = 1024 ** 2;
const inWords = (bytes: number): string =>
  bytes < MEGABYTE ? `${Math.ceil(bytes / KILOBYTE)} kB` : `${(bytes / MEGABYTE).toFixed(1)} MB`;
/** So many names are shown to a person. */
const SHOWN = 10;

/** What a person reads. */
export function formatBackup({ file, size, files, hasAccount, leftOut }: BackupReport): string {
  const account = hasAccount
    ? ', and the WhatsApp account with its keys: keep it as safe as the account'
    : '';
  const lines = [
    `Backup: ${file} (${inWords(size)})`,
    `In it: messages, tasks and groups, ${files} files of groups and agents' sessions${account}.`,
    'Not in it: .env and its keys, ~/.config/nanoclaw, the files that people sent, logs.',
  ];
  if (leftOut.length > 0) {
    lines.push(
      `Left out of the groups' folders and sessions: ${leftOut.length}${leftOut.length < MOST_LEFT_OUT ? '' : ' or more'}`,
    );
    for (const { name, reason } of leftOut.slice(0, SHOWN)) lines.push(`  ${printable(name)}: ${reason}`);
    if (leftOut.length > SHOWN) lines.push('  …');
  }
  return lines.join('\n');
}
