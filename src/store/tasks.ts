import type { ContextMode, ScheduleType } from '../protocol/mailbox.ts';
import type { Database } from './database.ts';

/**
 * A task's states: `active` (has a next run) → `completed` (a one-time task that was claimed, or a schedule with no next
 * run); `active` ⇄ `paused`. A cancelled task is deleted.
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
  /** ISO instant. */
  readonly nextRun: string | null;
  readonly lastRun: string | null;
  readonly lastResult: string | null;
  readonly status: TaskStatus;
  readonly createdAt: string;
}

export type TaskChange = Partial<
  Pick<
    Task,
    'prompt' | 'script' | 'scheduleType' | 'scheduleValue' | 'nextRun' | 'status' | 'lastRun' | 'lastResult'
  >
>;

const SELECT = `SELECT id, group_folder AS folder, chat_jid AS chatJid, prompt, script, schedule_type AS scheduleType,
  schedule_value AS scheduleValue, context_mode AS contextMode, next_run AS nextRun, last_run AS lastRun,
  last_result AS lastResult, status, created_at AS createdAt FROM scheduled_tasks`;

/**
 * `next_run` in milliseconds since the epoch. An operator may write it in any form that SQLite knows, so instants are
 * compared, not texts; what is no instant at all counts as due, and gets its next time from the schedule.
 */
const NEXT_RUN_MS = "CAST(ROUND(COALESCE(unixepoch(next_run, 'subsec'), 0) * 1000) AS INTEGER)";

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
  readonly #change;
  readonly #remove;
  readonly #log;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.sql.prepare(`
      INSERT INTO scheduled_tasks (id, group_folder, chat_jid, prompt, script, schedule_type, schedule_value, context_mode,
        next_run, status, created_at)
      VALUES (@id, @folder, @chatJid, @prompt, @script, @scheduleType, @scheduleValue, @contextMode, @nextRun, @status, @createdAt)`);
    this.#find = db.sql.prepare<[string], Task>(`${SELECT} WHERE id = ?`);
    this.#all = db.sql.prepare<[], Task>(`${SELECT} ORDER BY created_at, id`);
    this.#ofFolder = db.sql.prepare<[string], Task>(
      `${SELECT} WHERE group_folder = ? ORDER BY created_at, id`,
    );
    this.#due = db.sql.prepare<[number], Task>(
      `${SELECT} WHERE status = 'active' AND next_run IS NOT NULL AND ${NEXT_RUN_MS} <= ? ORDER BY ${NEXT_RUN_MS}, id`,
    );
    this.#next = db.sql.prepare<[], { nextRun: number | null }>(
      `SELECT MIN(${NEXT_RUN_MS}) AS nextRun FROM scheduled_tasks WHERE status = 'active' AND next_run IS NOT NULL`,
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

  add(task: Omit<Task, 'lastRun' | 'lastResult'>): void {
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
