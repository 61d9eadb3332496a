import { parseInstant } from '../clock.ts';
import type { ContextMode, ScheduleType } from '../protocol/mailbox.ts';
import type { Database } from './database.ts';

/**
 * A task's states: `active` (has a next run) → `completed` (a one-time task that was claimed); `active` ⇄
 * `paused`, also by the host: a schedule without a next run, failures in a row, a group that is gone. A
 * cancelled task is deleted.
 */
export type TaskStatus = 'active' | 'paused' | 'completed';

export interface Task {
  readonly id: string;
  readonly folder: string;
  readonly chatJid: string;
  readonly prompt: string;
  readonly script: string | null;
  readonly scheduleType: ScheduleType;
  readonly scheduleValue: string;
  readonly contextMode: ContextMode;
  /** ISO instant in UTC; as it was written where it is no instant. */
  readonly nextRun: string | null;
  readonly lastRun: string | null;
  readonly lastResult: string | null;
  readonly status: TaskStatus;
  readonly createdAt: string;
  /** The shortest interval that this task may have, in milliseconds; null: as new tasks. */
  readonly minIntervalMs: number | null;
}

/** What a task has when it is added; the rest is told by its runs. */
export type NewTask = Omit<Task, 'lastRun' | 'lastResult' | 'minIntervalMs'>;

export type TaskChange = Partial<
  Pick<
    Task,
    'prompt' | 'script' | 'scheduleType' | 'scheduleValue' | 'nextRun' | 'status' | 'lastRun' | 'lastResult'
  >
>;

/**
 * `next_run` in milliseconds since the epoch. An operator may write it in any form of a date that SQLite
 * knows, so instants are compared, not texts. NULL: it is no instant from 1970 to 9999, and never due.
 */
const NEXT_RUN_MS = `CASE WHEN next_run GLOB '????-??-??*' AND unixepoch(next_run) >= 0
  THEN CAST(ROUND(unixepoch(next_run, 'subsec') * 1000) AS INTEGER) END`;

/**
 * Texts are read as such: `readfile()` of an operator's `sqlite3` stores bytes. A row whose id is no text cannot be found
 * again by it, so it is not read at all (`HandWritten` names it).
 */
const SELECT = `SELECT id, CAST(group_folder AS TEXT) AS folder, CAST(chat_jid AS TEXT) AS chatJid,
  CAST(prompt AS TEXT) AS prompt, CAST(script AS TEXT) AS script, CAST(schedule_type AS TEXT) AS scheduleType,
  CAST(schedule_value AS TEXT) AS scheduleValue, CAST(context_mode AS TEXT) AS contextMode,
  CASE WHEN ${NEXT_RUN_MS} IS NULL THEN CAST(next_run AS TEXT) ELSE strftime('%Y-%m-%dT%H:%M:%fZ', next_run) END AS nextRun,
  CAST(last_run AS TEXT) AS lastRun, CAST(last_result AS TEXT) AS lastResult, CAST(status AS TEXT) AS status,
  CAST(created_at AS TEXT) AS createdAt, min_interval_ms AS minIntervalMs
  FROM scheduled_tasks WHERE typeof(id) = 'text'`;

/** In the order in which people read a list: what runs next first, then what does not run by itself. */
export function inOrderOfNextRun(tasks: readonly Task[]): readonly Task[] {
  const next = ({ status, nextRun }: Task): number =>
    (status === 'active' ? parseInstant(nextRun ?? '') : Number.NaN) || Number.MAX_SAFE_INTEGER;
  return tasks.toSorted((one, other) => next(one) - next(other));
}

/** How often a task has failed in a row, and which errors its chat was told of meanwhile. */
export interface TaskFailures {
  readonly inARow: number;
  readonly told: readonly string[];
}

/** A task that works, or that somebody has put right. */
export const NO_FAILURES: TaskFailures = { inARow: 0, told: [] };

export interface TaskRunLog {
  readonly taskId: string;
  /** Milliseconds since the epoch. */
  readonly runAt: number;
  readonly durationMs: number;
  readonly status: 'success' | 'error';
  readonly result: string | null;
  readonly error: string | null;
}

export class Tasks {
  readonly #db: Database;
  readonly #insert;
  readonly #find;
  readonly #all;
  readonly #ofFolder;
  readonly #due;
  readonly #next;
  readonly #broken;
  readonly #failures;
  readonly #setFailures;
  readonly #change;
  readonly #remove;
  readonly #log;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.sql.prepare(`
      INSERT INTO scheduled_tasks (id, group_folder, chat_jid, prompt, script, schedule_type, schedule_value, context_mode,
        next_run, status, created_at)
      VALUES (@id, @folder, @chatJid, @prompt, @script, @scheduleType, @scheduleValue, @contextMode, @nextRun, @status, @createdAt)`);
    this.#find = db.sql.prepare<[string], Task>(`${SELECT} AND id = ?`);
    this.#all = db.sql.prepare<[], Task>(`${SELECT} ORDER BY created_at, id`);
    this.#ofFolder = db.sql.prepare<[string], Task>(`${SELECT} AND group_folder = ? ORDER BY created_at, id`);
    this.#due = db.sql.prepare<[number], Task>(
      `${SELECT} AND status = 'active' AND next_run IS NOT NULL AND ${NEXT_RUN_MS} <= ? ORDER BY ${NEXT_RUN_MS}, id`,
    );
    this.#next = db.sql.prepare<[], { nextRun: number | null }>(
      `SELECT MIN(${NEXT_RUN_MS}) AS nextRun FROM scheduled_tasks WHERE typeof(id) = 'text' AND status = 'active' AND next_run IS NOT NULL`,
    );
    this.#broken = db.sql.prepare<[], Task>(
      `${SELECT} AND status = 'active' AND next_run IS NOT NULL AND ${NEXT_RUN_MS} IS NULL ORDER BY id`,
    );
    this.#failures = db.sql.prepare<[string], { inARow: number; told: string }>(
      'SELECT CAST(failures AS INTEGER) AS inARow, CAST(told_failures AS TEXT) AS told FROM scheduled_tasks WHERE id = ?',
    );
    this.#setFailures = db.sql.prepare<{ id: string; inARow: number; told: string }>(
      'UPDATE scheduled_tasks SET failures = @inARow, told_failures = @told WHERE id = @id',
    );
    this.#change = db.sql.prepare(`
      UPDATE scheduled_tasks SET prompt = @prompt, script = @script, schedule_type = @scheduleType,
        schedule_value = @scheduleValue, next_run = @nextRun, status = @status, last_run = @lastRun, last_result = @lastResult
      WHERE id = @id`);
    this.#remove = db.sql.prepare<[string]>('DELETE FROM scheduled_tasks WHERE id = ?');
    this.#log = db.sql.prepare(`
      INSERT INTO task_run_logs (task_id, run_at, duration_ms, status, result, error)
      VALUES (@taskId, @runAt, @durationMs, @status, @result, @error)`);
  }

  add(task: NewTask): void {
    this.#insert.run(task);
    this.#db.ring('tasks');
  }

  find(id: string): Task | undefined {
    return this.#find.get(id);
  }

  all(): readonly Task[] {
    return this.#all.all();
  }

  ofFolder(folder: string): readonly Task[] {
    return this.#ofFolder.all(folder);
  }

  /** Active tasks whose time has come, the longest waiting first. @param now milliseconds since the epoch */
  due(now: number): readonly Task[] {
    return this.#due.all(now);
  }

  /** The next instant at which a task is due, in milliseconds since the epoch. */
  nextDue(): number | undefined {
    return this.#next.get()?.nextRun ?? undefined;
  }

  /** Active tasks whose next run is no instant from 1970 to 9999: they are never due. */
  withBrokenTime(): readonly Task[] {
    return this.#broken.all();
  }

  /** The failures of a task since its last success. Where `told_failures` is not a list of texts, none counts as told. */
  failures(id: string): TaskFailures {
    const row = this.#failures.get(id);
    return { inARow: row?.inARow ?? 0, told: toldTexts(row?.told ?? '[]') };
  }

  /** To be called in the transaction that ends a run, resumes the task, or changes what it does. */
  setFailures(id: string, { inARow, told }: TaskFailures): void {
    this.#setFailures.run({ id, inARow, told: JSON.stringify(told) });
  }

  /** @returns false when there is no such task */
  change(id: string, change: TaskChange): boolean {
    const task = this.find(id);
    if (task === undefined) return false;
    this.#change.run({ ...task, ...change });
    this.#db.ring('tasks');
    return true;
  }

  remove(id: string): boolean {
    const removed = this.#remove.run(id).changes > 0;
    if (removed) this.#db.ring('tasks');
    return removed;
  }

  logRun(run: TaskRunLog): void {
    this.#log.run({ ...run, runAt: new Date(run.runAt).toISOString() });
  }
}

function toldTexts(json: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : [];
  } catch {
    return [];
  }
}
