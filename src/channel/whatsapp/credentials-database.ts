import { closeSync, existsSync, fchmodSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CredentialsDatabaseError } from './errors.ts';

/**
 * - `creds`: the account, one row or none.
 * - `keys`: Signal's keys, one row each, by Baileys' type and id.
 * - `flags`: facts about these credentials (`greeted`).
 * - `numbers`: LID user → phone number, beyond what Baileys keeps.
 * - `aside_…`: what an unlinked account left behind.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS creds (id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS keys (
    type TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (type, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS flags (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS numbers (lid TEXT PRIMARY KEY, number TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS aside_creds (at INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS aside_keys (
    at INTEGER NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (at, type, id)
  ) STRICT, WITHOUT ROWID;
`;

const OWNER_ONLY = 0o600;

/**
 * Opens (and makes, mode 0600) the database of the credentials, after SQLite has checked all of it.
 * @throws {CredentialsDatabaseError} when it is damaged, no database, or not accessible
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
    database.exec(SCHEMA);
    return database;
  } catch (error) {
    database?.close();
    throw new CredentialsDatabaseError(file, error);
  }
}

/**
 * Opens an existing database for looking only; undefined when there is none yet.
 * @throws {CredentialsDatabaseError} as above
 */
export function openCredentialsForReading(file: string): Database.Database | undefined {
  if (!existsSync(file)) return undefined;
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true, fileMustExist: true });
    check(database);
    return database;
  } catch (error) {
    database?.close();
    throw new CredentialsDatabaseError(file, error);
  }
}

function check(database: Database.Database): void {
  const verdict = database.pragma('quick_check(1)', { simple: true });
  if (verdict !== 'ok') throw new Error(`SQLite's check says: ${String(verdict)}`);
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
