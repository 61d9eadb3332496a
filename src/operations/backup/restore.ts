import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { extract } from 'tar';
import { exists } from '../../exists.ts';
import type { Paths } from '../../paths.ts';
import { formatForFileName, formatLocal } from '../../schedule/schedule.ts';
import { HostLock } from '../../store/host-lock.ts';
import { openStore } from '../../store/store.ts';
import type { AccountSummary } from '../doctor.ts';
import { ACCOUNT, checkArchive, MESSAGES, TREES } from './archive.ts';
import { type Closed, closeWaiting } from './close-waiting.ts';
import { BackupError } from './errors.ts';
import { commitSwap, finishSwap, NEW, type Plan } from './swap.ts';

/** What the channel knows of a file of credentials. */
export interface Accounts {
  /** @throws Error when they cannot be used, with the reason */
  inspect(file: string): AccountSummary;
  /** Takes out what must not be used once more after others have seen what came later. */
  freshen(file: string): void;
}

export interface RestoreOptions {
  readonly paths: Paths;
  readonly file: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly timezone: string;
  /** As in `CloseOptions`. */
  readonly minIntervalMs?: number | undefined;
  readonly accounts: Accounts;
}

/**
 * Whose account is there afterwards: `kept`: the one that was linked in the root; `restored`: the backup's; `none`: neither has one.
 */
export type AccountOutcome =
  | { readonly kind: 'kept' | 'restored'; readonly number: string; readonly backupNumber: string | undefined }
  | { readonly kind: 'none' };

export interface RestoreReport {
  /** ISO instant. */
  readonly createdAt: string;
  /** Where what was there lies now; undefined: nothing was there. */
  readonly aside: string | undefined;
  readonly account: AccountOutcome;
  readonly closed: Closed;
}

/**
 * Puts a backup in the place of what a root holds. Nothing is touched before all of it is ready; see swap.ts for what a kill leaves.
 * @throws HostLockError while a host runs on the root
 * @throws BackupError when the file is no whole backup or is of a newer version, with nothing changed
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { paths, now } = options;
  const file = resolve(options.file);
  const checked = await checkArchive(file);
  const lock = HostLock.acquire(paths.hostLock, process.pid);
  try {
    await finishSwap(paths);
    await checkOneDevice(paths);
    await sweep(paths);
    const ready = join(paths.data, `restore-${now}.tmp`);
    await mkdir(join(ready, NEW), { recursive: true, mode: 0o700 });
    const { closed, account } = await makeReady(file, join(ready, NEW), options, checked.hasAccount).catch(
      async (error: unknown) => {
        await rm(ready, { recursive: true, force: true }).catch(() => undefined);
        throw error;
      },
    );
    const aside = await freeName(
      join(paths.data, `before-restore-${formatForFileName(now, options.timezone)}`),
    );
    const plan: Plan = { aside: relative(paths.root, aside), account: account.kind !== 'kept' };
    await commitSwap(paths, ready, plan);
    await finishSwap(paths);
    return {
      createdAt: checked.manifest.createdAt,
      aside: (await exists(aside)) ? aside : undefined,
      account,
      closed,
    };
  } finally {
    lock.release();
  }
}

/** Unpacks a backup, brings its database up to date and closes what was open in it. */
async function makeReady(
  file: string,
  directory: string,
  { paths, now, timezone, minIntervalMs, accounts }: RestoreOptions,
  hasAccount: boolean,
): Promise<{ closed: Closed; account: AccountOutcome }> {
  await extract({ file, cwd: directory, strict: true, filter: isPlain });
  for (const tree of TREES) await mkdir(join(directory, tree), { recursive: true });
  const account = chooseAccount(paths, join(directory, ACCOUNT), accounts, hasAccount);
  if (account.kind === 'kept') await rm(join(directory, ACCOUNT), { force: true });
  if (account.kind === 'restored') accounts.freshen(join(directory, ACCOUNT));
  const store = inWords(file, () => openStore(join(directory, MESSAGES)));
  try {
    const hasAttachment = (name: string): boolean => existsSync(join(paths.attachments, name));
    return { account, closed: closeWaiting(store, { now, timezone, minIntervalMs, hasAttachment }) };
  } finally {
    store.close();
  }
}

/** As it was checked: whatever the file has become since. */
function isPlain(_: string, entry: object): boolean {
  return 'type' in entry && (entry.type === 'File' || entry.type === 'Directory');
}

/**
 * An account that is linked here has the newer keys, whatever the backup has: of the same device only one may be used, and older
 * keys of it break conversations.
 */
function chooseAccount(
  paths: Paths,
  backed: string,
  accounts: Accounts,
  hasAccount: boolean,
): AccountOutcome {
  const saved = hasAccount ? inWords(backed, () => accounts.inspect(backed)) : undefined;
  const backupNumber = saved?.status === 'paired' ? saved.number : undefined;
  const present = presentAccount(paths, accounts);
  if (present?.status === 'paired') return { kind: 'kept', number: present.number, backupNumber };
  return backupNumber === undefined
    ? { kind: 'none' }
    : { kind: 'restored', number: backupNumber, backupNumber };
}

/** One that cannot be used is what a backup is for. */
function presentAccount(paths: Paths, accounts: Accounts): AccountSummary | undefined {
  try {
    return accounts.inspect(paths.whatsappDatabase);
  } catch {
    return undefined;
  }
}

function inWords<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { cause, message } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw new BackupError(
      `The backup cannot be used (${file}: ${reason}). Nothing was changed. Take another one.`,
      {
        cause: error,
      },
    );
  }
}

/** What takes a place by a rename must come from the same filesystem. */
async function checkOneDevice(paths: Paths): Promise<void> {
  await mkdir(paths.data, { recursive: true });
  const { dev } = await stat(paths.data);
  for (const directory of [paths.root, paths.groups, paths.store, paths.sessions]) {
    if ((await exists(directory)) && (await stat(directory)).dev !== dev) {
      throw new BackupError(
        `${directory} and ${paths.data} are on different filesystems. Nothing was changed. Put the whole root on one.`,
      );
    }
  }
}

/** Two restores in a second have names of their own. */
async function freeName(path: string): Promise<string> {
  let name = path;
  for (let n = 2; await exists(name); n++) name = `${path}-${n}`;
  return name;
}

/** What a kill left of restores that did not happen, or of the rubbish of those that did. */
async function sweep(paths: Paths): Promise<void> {
  for (const name of await readdir(paths.data)) {
    if (/^restore-\d+\.tmp$/.test(name)) await rm(join(paths.data, name), { recursive: true, force: true });
  }
}

/** What a person reads. */
export function formatRestore(report: RestoreReport, timezone: string): string {
  const { closed, account, aside } = report;
  const lines = [`Restored: the state of ${formatLocal(Date.parse(report.createdAt), timezone)}.`];
  if (aside !== undefined) lines.push(`What was there before lies in ${aside}.`);
  lines.push(accountWords(account));
  const counts = (
    [
      ['messages to be sent', closed.outbox],
      ['chats that waited for an answer', closed.chats],
      ['turns under way', closed.runs],
      ['one-time tasks whose time has passed', closed.missedTasks],
      ['files of messages that are not here', closed.attachments],
    ] as const
  ).filter(([, count]) => count > 0);
  lines.push(counts.length === 0 ? 'Nothing was open in it.' : 'Closed, because it may have happened since:');
  for (const [what, count] of counts) lines.push(`  ${what}: ${count}`);
  if (closed.movedTasks > 0) lines.push(`Repeating tasks that go on from now: ${closed.movedTasks}.`);
  lines.push('Look at .env, then start the assistant with: npm start');
  return lines.join('\n');
}

function accountWords(account: AccountOutcome): string {
  if (account.kind === 'none') return 'There is no WhatsApp account in it. Link one: ./nanoclaw pair';
  if (account.kind === 'restored') {
    return [
      `The WhatsApp account +${account.number} is the backup's. Start no other copy of it: two that use one link end each other's conversations.`,
      'If people see “Waiting for this message” for long, remove the device on the phone and link anew: ./nanoclaw pair',
    ].join('\n');
  }
  const isOther = account.backupNumber !== undefined && account.backupNumber !== account.number;
  const other = isOther
    ? ` The backup is of +${account.backupNumber}: its chats are not this account's.`
    : '';
  return `The WhatsApp account that is linked here, +${account.number}, was kept: its keys are newer than the backup's.${other}`;
}
