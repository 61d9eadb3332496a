import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { isReadable } from '../exists.ts';
import { codeOf, isPassing } from '../machine-trouble.ts';

/** Another host runs on the same root. */
export class HostLockError extends Error {
  override readonly name = 'HostLockError';
  readonly pid: number | undefined;

  constructor(file: string, pid: number | undefined) {
    super(
      `Another NanoClaw (process ${pid ?? 'unknown'}) already runs on this root; it holds ${file}. Stop it first, or give this one a root of its own with NANOCLAW_ROOT.`,
    );
    this.pid = pid;
  }
}

/** A status command holds the lock for an instant; that must not stop a host from starting. */
const PATIENCE_MS = 500;

function isBusy(error: unknown): boolean {
  return error instanceof BetterSqlite3.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

/**
 * One process per root, by an open transaction on a database of its own: the system releases it when the process dies,
 * however it dies, and `messages.db` stays open to operators.
 */
export class HostLock {
  readonly #sql: BetterSqlite3.Database;
  /** Names this start among all that there were: a process id may be that of an earlier host. */
  readonly start: string;

  private constructor(sql: BetterSqlite3.Database, start: string) {
    this.#sql = sql;
    this.start = start;
  }

  /** @throws HostLockError that names the holder; NoAccessError where another user's host left it */
  static acquire(file: string, pid: number): HostLock {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    isReadable(file);
    const sql = new BetterSqlite3(file, { timeout: PATIENCE_MS });
    try {
      sql.exec(
        `CREATE TABLE IF NOT EXISTS holder (one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS holder_start (one INTEGER PRIMARY KEY CHECK (one = 1), start TEXT NOT NULL)`,
      );
      const start = randomUUID();
      const write = sql.prepare(
        'INSERT INTO holder VALUES (1, ?) ON CONFLICT DO UPDATE SET pid = excluded.pid',
      );
      const writeStart = sql.prepare(
        'INSERT INTO holder_start VALUES (1, ?) ON CONFLICT DO UPDATE SET start = excluded.start',
      );
      // The pid must be committed to be readable by others; who then holds the transaction with its own pid inside has won.
      for (;;) {
        sql
          .transaction(() => {
            write.run(pid);
            writeStart.run(start);
          })
          .immediate();
        sql.exec('BEGIN IMMEDIATE');
        if (readPid(sql) === pid && readStart(sql) === start) return new HostLock(sql, start);
        sql.exec('ROLLBACK');
      }
    } catch (error) {
      const busy = isBusy(error);
      const holder = busy ? readPid(sql) : undefined;
      sql.close();
      if (busy) throw new HostLockError(file, holder);
      const cure = isPassing(error)
        ? 'Make room on its disk, or make it writable'
        : 'It holds nothing of worth: remove it';
      throw new Error(`${file} cannot be used (${(error as Error).message}). ${cure}`, { cause: error });
    }
  }

  /** Calling it twice is harmless. */
  release(): void {
    if (this.#sql.open) this.#sql.close();
  }
}

/** Who holds a root's lock. */
export interface LockHolder {
  readonly pid: number;
  /** As `HostLock.start`; undefined: an earlier version holds it. */
  readonly start: string | undefined;
}

/** The process that holds the lock of `file` now; undefined when it is free. @throws NoAccessError */
export function lockHolder(file: string): number | undefined {
  return lockedBy(file)?.pid;
}

/** Who holds the lock of `file` now; undefined when it is free. Writes nothing: the disk may be full or read-only. @throws NoAccessError */
export function lockedBy(file: string): LockHolder | undefined {
  if (!isReadable(file)) return undefined;
  const sql = new BetterSqlite3(file, { timeout: PATIENCE_MS, fileMustExist: true });
  try {
    sql.exec('BEGIN IMMEDIATE');
    sql.exec('ROLLBACK');
    return undefined;
  } catch (error) {
    if (!isBusy(error) && !isReadOnly(error)) throw error;
    const pid = readPid(sql);
    if (pid === undefined) return undefined;
    // A lock cannot be asked for where nothing may be written: whether the process of the last holder lives must do.
    return isBusy(error) || isAlive(pid) ? { pid, start: readStart(sql) } : undefined;
  } finally {
    sql.close();
  }
}

function isReadOnly(error: unknown): boolean {
  return error instanceof BetterSqlite3.SqliteError && error.code.startsWith('SQLITE_READONLY');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function readPid(sql: BetterSqlite3.Database): number | undefined {
  return sql.prepare<[], { pid: number }>('SELECT pid FROM holder').get()?.pid;
}

function readStart(sql: BetterSqlite3.Database): string | undefined {
  const isThere = sql.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'holder_start'").get() !== undefined;
  return isThere
    ? sql.prepare<[], { start: string }>('SELECT start FROM holder_start').get()?.start
    : undefined;
}
