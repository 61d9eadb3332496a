import type Database from 'better-sqlite3';
import { CredentialsTooNewError } from './errors.ts';

/**
 * The version that `user_version` names. The first programs named none (0); their tables were these, some not there yet. Another
 * table, or another form of one, is another version.
 */
const VERSION = 4;

/**
 * - `creds`: the account, one row or none.
 * - `keys`: Signal's keys, one row each, by Baileys' type and id.
 * - `flags`: facts about these credentials (`greeted`).
 * - `numbers`: LID user → phone number, beyond what Baileys keeps.
 * - `aside_…`: what an unlinked account left behind.
 * - `stanzas`, `plaintexts`: journal.ts.
 * - `uploads`: uploads.ts.
 * - `addresses`: addresses.ts, since version 2.
 * - `timers`: disappearing.ts, since version 4.
 * Version 3 has indexes for what is asked at each send.
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

  CREATE TABLE IF NOT EXISTS stanzas (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT NOT NULL, digest BLOB NOT NULL, node TEXT NOT NULL,
    at INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, UNIQUE (message, digest)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS plaintexts (
    digest BLOB PRIMARY KEY, message TEXT NOT NULL, value BLOB, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS plaintexts_held ON plaintexts (message) WHERE value IS NOT NULL;

  CREATE TABLE IF NOT EXISTS uploads (wire_id TEXT PRIMARY KEY, message BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS addresses (wire_id TEXT PRIMARY KEY, address TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS timers (
    chat TEXT PRIMARY KEY, seconds INTEGER NOT NULL, set_at INTEGER, told_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX IF NOT EXISTS numbers_by_number ON numbers (number);
  CREATE INDEX IF NOT EXISTS uploads_by_time ON uploads (at);
  CREATE INDEX IF NOT EXISTS addresses_by_time ON addresses (at);
`;

/** What belongs to the present account, and goes with it. */
export const ACCOUNT_TABLES = [
  'creds',
  'keys',
  'flags',
  'numbers',
  'stanzas',
  'plaintexts',
  'uploads',
  'addresses',
  'timers',
] as const;

/** @throws {CredentialsTooNewError} when a newer program made or changed it; to be called before anything is written */
export function checkCredentialsVersion(database: Database.Database): void {
  const found = versionOf(database);
  if (found > VERSION) throw new CredentialsTooNewError(database.name, found, VERSION);
}

/** Makes the tables that are not there yet, all or none. */
export function upgradeCredentials(database: Database.Database): void {
  if (versionOf(database) === VERSION) return;
  database
    .transaction(() => {
      database.exec(SCHEMA);
      database.pragma(`user_version = ${VERSION}`);
    })
    .immediate();
}

function versionOf(database: Database.Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}
