import { existsSync, renameSync } from 'node:fs';
import type { Log } from '../../log.ts';
import { cureOfDisk } from '../../machine-trouble.ts';
import { decodeCreds } from './credentials-codec.ts';
import { openCredentialsForReading } from './credentials-database.ts';
import { CredentialsStore, isPaired } from './credentials-store.ts';
import { CredentialsDatabaseError, CredentialsUnreadableError, textOf } from './errors.ts';
import { bareUser } from './jid.ts';

/** What an operator may know of the credentials without a line. */
export type CredentialsSummary =
  | { readonly status: 'absent' }
  | { readonly status: 'unpaired' }
  | {
      readonly status: 'paired';
      /** The account's phone number, digits only. */
      readonly number: string;
      readonly name: string | undefined;
    };

/**
 * Looks at the credentials without changing anything; another process may be using them.
 * @throws {CredentialsDatabaseError} the database is damaged or not accessible
 * @throws {CredentialsUnreadableError} the account's row does not parse
 */
export function inspectCredentials(file: string): CredentialsSummary {
  const database = openCredentialsForReading(file);
  if (database === undefined) return { status: 'absent' };
  try {
    const table = database
      .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'creds'")
      .get();
    if (table === undefined) return { status: 'unpaired' };
    const row = database.prepare<[], { value: string }>('SELECT value FROM creds WHERE id = 1').get();
    if (row === undefined) return { status: 'unpaired' };
    const creds = decodeCreds(file, row.value);
    if (!isPaired(creds) || creds.me === undefined) return { status: 'unpaired' };
    return { status: 'paired', number: bareUser(creds.me.id), name: creds.me.name };
  } finally {
    database.close();
  }
}

/**
 * Keeps the account of a stopped host aside, so that its next start pairs anew. Credentials that cannot be read are kept
 * as files beside it.
 * @param at when, in milliseconds since the epoch
 * @throws the system's error where a file cannot be renamed
 */
export function archiveCredentials(file: string, at: number, log: Log): void {
  try {
    const store = CredentialsStore.open(file);
    try {
      if (store.paired) store.layAside(at);
    } finally {
      store.close();
    }
  } catch (error) {
    const isDamaged = error instanceof CredentialsDatabaseError && cureOfDisk(error.cause) === undefined;
    if (!(error instanceof CredentialsUnreadableError || isDamaged)) throw error;
    const archived = `${file}.unreadable-${new Date(at).toISOString().replaceAll(':', '-')}`;
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${archived}${suffix}`);
    }
    log.warn(
      { file: archived, reason: textOf(error) },
      'The old WhatsApp credentials cannot be read; they were kept',
    );
  }
}

/**
 * Makes an older copy of an account fit for use, after its linked device may have gone on. Ratchets that were set back make messages that
 * phones cannot read, so what this device says begins anew: its sessions with others, and its own keys in groups with the memory of who
 * has them. The keys of others in groups stay, they only go forward. Messages that the copy's host had not taken are forgotten: they
 * may have been answered since.
 * @throws {CredentialsDatabaseError} the database is damaged or not accessible
 * @throws {CredentialsUnreadableError} the account's row does not parse; nothing was changed
 */
export function freshenCredentials(file: string): void {
  const store = CredentialsStore.open(file);
  try {
    store.beginAnew();
  } finally {
    store.close();
  }
}
