import { statSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { type Clock, MINUTE, SECOND } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Timings } from '../timings.ts';
import { Waker } from '../waker.ts';

export interface LogTruncationOptions {
  /** Databases; one may not exist yet. */
  readonly files: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: Pick<Timings, 'truncateLogAfterMs' | 'workFailurePauseMs'>;
}

/** A host that is never idle truncates all the same. */
const MAX_WAIT_MS = MINUTE;
/** After a try that another program's reading or writing prevented. */
const RETRY_MS = 30 * SECOND;

/**
 * Truncates the write-ahead logs once the host is idle: what was deleted stays readable in them until they
 * are written over. Nothing waits for a database that another program uses.
 */
export class LogTruncation {
  readonly #options: LogTruncationOptions;
  readonly #waker: Waker;
  /** Of what is not truncated yet, in milliseconds since the epoch. */
  #first: number | undefined;
  #last = 0;

  constructor(options: LogTruncationOptions) {
    this.#options = options;
    this.#waker = new Waker((now) => this.#look(now), options);
  }

  /** Something was written. */
  note(): void {
    this.#last = this.#options.clock.now();
    this.#first ??= this.#last;
    this.#waker.wake();
  }

  stop(): void {
    this.#waker.stop();
  }

  #look(now: number): number | undefined {
    if (this.#first === undefined) return undefined;
    const due = Math.min(this.#last + this.#options.timings.truncateLogAfterMs, this.#first + MAX_WAIT_MS);
    if (now < due && now >= this.#last) return due;
    const { files, log } = this.#options;
    const inUse = files.filter((file) => !truncateLog(file, log));
    this.#first = inUse.length === 0 ? undefined : now;
    this.#last = now;
    return inUse.length === 0 ? undefined : now + RETRY_MS;
  }
}

/** @returns false when another program reads or writes just now, or the disk takes nothing */
function truncateLog(file: string, log: Log): boolean {
  if (!(statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0)) return true;
  let sql: BetterSqlite3.Database | undefined;
  try {
    // A connection of its own: the host's waits for other programs.
    sql = new BetterSqlite3(file, { fileMustExist: true, timeout: 0 });
    return sql.prepare<[], { busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;
  } catch (error) {
    log.debug({ err: error, file }, 'A write-ahead log cannot be truncated yet');
    return false;
  } finally {
    sql?.close();
  }
}
