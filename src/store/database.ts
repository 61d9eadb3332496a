import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { isReadable } from '../exists.ts';
import { cureOfDisk } from '../machine-trouble.ts';
import { type Bell, Bells } from './bells.ts';
import { checkVersion, migrate } from './migrations.ts';
import type { Sql } from './sql.ts';

/** The database file cannot be used as it is. Nothing was overwritten. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
}

/** What SQLite says of a single row, which no later try would store. */
const OF_THE_ROW = /^SQLITE_(?:CONSTRAINT|TOOBIG|MISMATCH|RANGE)/;

/** Whether the database could not be written just now (locked, full, broken): nothing was wrong with what was to be written. */
export function isTroubleOfDatabase(error: unknown): boolean {
  return error instanceof BetterSqlite3.SqliteError && !OF_THE_ROW.test(error.code);
}

/** What to do about a damaged database. */
export const RESTORE =
  'Put a backup in its place, while the assistant is stopped: ./nanoclaw restore <backup>';

/** What SQLite says of a file whose pages are damaged, with the file and the fix; undefined: the error is another one. */
export function damageIn(file: string, error: unknown): DatabaseError | undefined {
  const isDamage =
    error instanceof BetterSqlite3.SqliteError && /^SQLITE_(?:CORRUPT|NOTADB)/.test(error.code);
  return isDamage
    ? new DatabaseError(`The database ${file} is damaged (${error.message}). ${RESTORE}.`, { cause: error })
    : undefined;
}

/** What SQLite says while another program writes, with the file and what to do; undefined: the error is another one. */
export function lockOn(file: string, error: unknown): DatabaseError | undefined {
  const isLocked = error instanceof BetterSqlite3.SqliteError && error.code.startsWith('SQLITE_BUSY');
  const words = `The database ${file} is locked by another program (${(error as Error).message}). Nothing was changed. Try again when that program has finished.`;
  return isLocked ? new DatabaseError(words, { cause: error }) : undefined;
}

/**
 * Reads all of a database and checks it, indexes included; a host may be running. Takes seconds for years of messages.
 * @returns what is wrong, in SQLite's words; empty: nothing; undefined: there is no such file
 * @throws NoAccessError where this user may not read it; SqliteError when it cannot be read at all
 */
export function problemsIn(file: string): readonly string[] | undefined {
  if (!isReadable(file)) return undefined;
  const sql = new BetterSqlite3(file, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    const found = sql.prepare<[], string>('PRAGMA integrity_check(3)').pluck().all();
    return found.filter((line) => line !== 'ok').map((line) => line.replaceAll('\n', ' '));
  } finally {
    sql.close();
  }
}

/** Milliseconds to wait for the lock while an operator's `sqlite3` writes. */
const BUSY_TIMEOUT_MS = 1_000;

/** SQLite would only mark the place of a deleted text as free. */
const OVERWRITE_DELETED = 'secure_delete = ON';

/** One open database: transactions, and the bells that ring after their commit. */
export class Database {
  readonly sql: Sql;
  readonly bells = new Bells();
  readonly #rungInTransaction = new Set<Bell>();

  /**
   * Opens a database to look into it, while a host may be running.
   * @returns undefined when there is none yet
   * @throws NoAccessError where this user may not read it
   * @throws DatabaseError when it is no sound database, or one that a start has not brought up to date yet
   */
  static openReadOnly(file: string): Database | undefined {
    return Database.#openExisting(file, true);
  }

  /**
   * Opens a database to change it, while a host may be running: its schema is left as it is.
   * @returns undefined when there is none yet
   * @throws NoAccessError where this user may not read it
   * @throws DatabaseError when it is no sound database, or one that a start has not brought up to date yet
   */
  static openBeside(file: string): Database | undefined {
    return Database.#openExisting(file, false);
  }

  static #openExisting(file: string, readonly: boolean): Database | undefined {
    if (!isReadable(file)) return undefined;
    let sql: Sql | undefined;
    try {
      sql = new BetterSqlite3(file, { readonly, timeout: BUSY_TIMEOUT_MS });
      checkVersion(sql);
      if (!readonly) {
        sql.pragma('synchronous = FULL');
        sql.pragma(OVERWRITE_DELETED);
      }
      return new Database(sql);
    } catch (error) {
      sql?.close();
      const words = `The database ${file} cannot be read: ${(error as Error).message}.`;
      throw damageIn(file, error) ?? new DatabaseError(words, { cause: error });
    }
  }

  private constructor(sql: Sql) {
    this.sql = sql;
  }

  /**
   * Opens or creates a database, checks it and brings its schema up to date.
   * WAL with `synchronous = FULL`: a committed row survives a power loss.
   * @param busyTimeoutMs milliseconds to wait for the lock while another process writes
   * @throws DatabaseError when the file is no sound database
   */
  static open(file: string, busyTimeoutMs = BUSY_TIMEOUT_MS): Database {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    let sql: Sql | undefined;
    try {
      makePrivate(file);
      sql = new BetterSqlite3(file, { timeout: busyTimeoutMs });
      const health = sql.pragma('quick_check(1)', { simple: true });
      // In one line: what SQLite finds it tells in several.
      if (health !== 'ok') throw new Error(String(health).replaceAll('\n', ' '));
      sql.pragma('journal_mode = WAL');
      sql.pragma('synchronous = FULL');
      sql.pragma(OVERWRITE_DELETED);
      // v1's tables had foreign keys, and are moved aside and dropped while being adopted.
      sql.pragma('foreign_keys = OFF');
      migrate(sql, file);
      return new Database(sql);
    } catch (error) {
      sql?.close();
      if (error instanceof DatabaseError) throw error;
      const cure =
        cureOfDisk(error) ??
        `${RESTORE}; or move the file away (with its -wal and -shm files) to start with an empty one.`;
      throw new DatabaseError(
        `The database ${file} cannot be opened (${(error as Error).message}). Nothing was changed. ${cure}`,
        { cause: error },
      );
    }
  }

  /**
   * Runs `work` as one transaction; inside another one it becomes part of that, and is undone alone when it
   * throws and the other one catches the error. Bells ring after the commit only.
   */
  transaction<T>(work: () => T): T {
    if (this.sql.inTransaction) return this.sql.transaction(work)();
    try {
      const result = this.sql.transaction(work).immediate();
      const rung = [...this.#rungInTransaction];
      this.#rungInTransaction.clear();
      for (const bell of rung) this.bells.ring(bell);
      return result;
    } catch (error) {
      this.#rungInTransaction.clear();
      throw error;
    }
  }

  /** Rings now, or after the commit of the transaction under way. */
  ring(bell: Bell): void {
    if (this.sql.inTransaction) this.#rungInTransaction.add(bell);
    else this.bells.ring(bell);
  }

  close(): void {
    this.bells.silence();
    this.sql.close();
  }
}

/** SQLite gives its -wal and -shm files the mode of the database: it must be right before they exist. */
function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
}
