import { closeSync, fchmodSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { isReadable } from '../../exists.ts';
import { checkCredentialsVersion, upgradeCredentials } from './credentials-schema.ts';
import { CredentialsDatabaseError, CredentialsTooNewError } from './errors.ts';

const OWNER_ONLY = 0o600;

/**
 * Opens (and makes, mode 0600) the database of the credentials, after SQLite has checked all of it.
 * @throws {CredentialsDatabaseError} when it is damaged, no database, or not accessible
 * @throws {CredentialsTooNewError} when a newer program made it
 */
export function openCredentialsDatabase(file: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    restrict(file);
    database = new Database(file);
    check(database);
    database.pragma('journal_mode = WAL');
    // WAL's default, NORMAL, may lose committed rows when the power fails: an older ratchet would come back.
    database.pragma('synchronous = FULL');
    // What a settled message said is gone, and not only its place marked as free.
    database.pragma('secure_delete = ON');
    upgradeCredentials(database);
    return database;
  } catch (error) {
    database?.close();
    throw asError(file, error);
  }
}

/**
 * Opens an existing database for looking only; undefined when there is none yet.
 * @throws NoAccessError where this user may not read it
 * @throws {CredentialsDatabaseError, CredentialsTooNewError} as above
 */
export function openCredentialsForReading(file: string): Database.Database | undefined {
  if (!isReadable(file)) return undefined;
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true, fileMustExist: true });
    check(database);
    return database;
  } catch (error) {
    database?.close();
    throw asError(file, error);
  }
}

function check(database: Database.Database): void {
  const verdict = database.pragma('quick_check(1)', { simple: true });
  if (verdict !== 'ok') throw new Error(`SQLite's check says: ${String(verdict).replaceAll('\n', ' ')}`);
  checkCredentialsVersion(database);
}

function asError(file: string, error: unknown): Error {
  return error instanceof CredentialsTooNewError ? error : new CredentialsDatabaseError(file, error);
}

/** SQLite gives its -wal and -shm files the mode of the database, so it must be right before the first opening. */
function restrict(file: string): void {
  const descriptor = openSync(file, 'a', OWNER_ONLY);
  try {
    fchmodSync(descriptor, OWNER_ONLY);
  } finally {
    closeSync(descriptor);
  }
}
