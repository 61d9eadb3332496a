import { parseInstant } from '../clock.ts';
import type { Database } from './database.ts';

/**
 * A run is one try at one turn.
 * - `queued` (tasks only): claimed by the scheduler together with the task's next time. Exits: `running`.
 * - `running`: its sandbox may exist. Exits: `succeeded`, `failed`; after a crash of the host `interrupted`.
 * - `succeeded`, `failed`, `interrupted` are final. A failed or interrupted run that left no effect is followed by a new run
 *   with the next `attempt`; one that left effects never is.
 * An effect is an outbox row in any state or a change by the mailbox that carries the run's id.
 */
export type RunStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'interrupted';

export interface Run {
  readonly id: string;
  readonly kind: 'chat' | 'task';
  readonly folder: string;
  readonly chatJid: string;
  readonly taskId: string | null;
  /** The due instant that this run of a task stands for, ISO. */
  readonly slot: string | null;
  /** The first message that called and the last one taken into the turn. */
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  readonly attempt: number;
  /** Not to be started before; of a run that has failed: its turn is not to be retried before. Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly status: RunStatus;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** When its last answer was stored, ISO; a silent answer counts. */
  readonly answeredAt: string | null;
  readonly exitReason: string | null;
  readonly error: string | null;
}

const SELECT = `SELECT id, kind, group_folder AS folder, chat_jid AS chatJid, task_id AS taskId, slot,
  first_seq AS firstSeq, last_seq AS lastSeq, attempt, not_before AS notBefore, status, started_at AS startedAt,
  ended_at AS endedAt, answered_at AS answeredAt, exit_reason AS exitReason, error FROM runs`;

/** In these words the index `runs_open` is used, also where only one of the two is wanted. */
const IS_OPEN = "status IN ('queued', 'running')";

/** The exit reason of a run that was ended because another account was linked: its chats are not those of the account. */
export const OTHER_ACCOUNT = 'other_account';

/** The exit reason of a run that the model's service did not answer: it is away, overloaded, or a limit is reached. */
export const MODEL_UNAVAILABLE = 'model_unavailable';
/** So many runs may be tries at one turn. */
const TRIES = 3;

export interface RunEnd {
  readonly status: 'succeeded' | 'failed' | 'interrupted';
  readonly exitReason: string;
  readonly error: string | undefined;
  readonly logFile: string | undefined;
  /** Not to be retried before, in milliseconds since the epoch; absent: as soon as the policy allows. */
  readonly retryNotBefore?: number | undefined;
}

export class Runs {
  readonly #db: Database;
  readonly #insert;
  readonly #start;
  readonly #end;
  readonly #answered;
  readonly #find;
  readonly #queued;
  readonly #running;
  readonly #runningIn;
  readonly #tries;
  readonly #slotTries;
  readonly #effects;
  readonly #otherEffects;
  readonly #open;
  readonly #turnsBetween;
  readonly #cancel;
  readonly #endOpen;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.sql.prepare(`
      INSERT INTO runs (id, kind, group_folder, chat_jid, task_id, slot, first_seq, last_seq, attempt, not_before, status,
        queued_at, started_at)
      VALUES (@id, @kind, @folder, @chatJid, @taskId, @slot, @firstSeq, @lastSeq, @attempt, @notBefore, @status, @at,
        CASE @status WHEN 'running' THEN @at END)`);
    this.#start = db.sql.prepare<[string, string]>(
      "UPDATE runs SET status = 'running', started_at = ? WHERE id = ? AND status = 'queued'",
    );
    this.#end = db.sql.prepare(`
      UPDATE runs SET status = @status, ended_at = @at, exit_reason = @exitReason, error = @error, log_file = @logFile,
        not_before = COALESCE(@retryNotBefore, not_before)
      WHERE id = @id AND status IN ('queued', 'running')`);
    this.#answered = db.sql.prepare<{ id: string; at: string }>(
      'UPDATE runs SET answered_at = @at WHERE id = @id',
    );
    this.#find = db.sql.prepare<[string], Run>(`${SELECT} WHERE id = ?`);
    this.#queued = db.sql.prepare<[], Run>(`${SELECT} WHERE ${IS_OPEN} AND status = 'queued' ORDER BY seq`);
    this.#running = db.sql.prepare<[], Run>(`${SELECT} WHERE ${IS_OPEN} AND status = 'running' ORDER BY seq`);
    this.#runningIn = db.sql.prepare<[string], { id: string }>(
      `SELECT id FROM runs WHERE ${IS_OPEN} AND status = 'running' AND group_folder = ? ORDER BY seq DESC LIMIT 1`,
    );
    // The first of several messages may have been deleted since: its tries were theirs too.
    this.#tries = db.sql.prepare<{ jid: string; first: number }, Run>(`
      ${SELECT} WHERE kind = 'chat' AND chat_jid = @jid AND first_seq <= @first AND first_seq > MIN(@first - 1, COALESCE(
          (SELECT CAST(value AS INTEGER) FROM router_state WHERE key = 'cursor:' || @jid), 0))
        AND last_seq >= @first ORDER BY seq`);
    this.#slotTries = db.sql.prepare<[string, string], Run>(
      `${SELECT} WHERE kind = 'task' AND task_id = ? AND slot = ? ORDER BY attempt`,
    );
    // A turn that was tried again has several runs; a follow-up is a turn in a sandbox that stayed on.
    this.#turnsBetween = db.sql.prepare<
      { jid: string; since: string; until: string; most: number },
      { at: string; followUps: number }
    >(`
      SELECT MIN(r.queued_at) AS at, COUNT(f.seq) AS followUps
      FROM (SELECT * FROM runs WHERE kind = 'chat' AND chat_jid = @jid ORDER BY first_seq DESC LIMIT @most) r
        LEFT JOIN follow_ups f ON f.run_id = r.id
      WHERE COALESCE(r.ended_at, @until) > @since AND r.queued_at <= @until
      GROUP BY r.first_seq ORDER BY at`);
    this.#open = db.sql.prepare<[string]>(`SELECT 1 FROM runs WHERE ${IS_OPEN} AND task_id = ? LIMIT 1`);
    this.#cancel = db.sql.prepare<{ taskId: string; at: string }>(`
      UPDATE runs SET status = 'failed', ended_at = @at, exit_reason = 'cancelled', error = 'the task was paused or cancelled'
      WHERE ${IS_OPEN} AND status = 'queued' AND task_id = @taskId`);
    this.#endOpen = db.sql.prepare<{ exitReason: string; error: string; at: string; kept: string | null }>(`
      UPDATE runs SET status = 'interrupted', ended_at = @at, exit_reason = @exitReason, error = @error
      WHERE ${IS_OPEN} AND NOT (status = 'queued' AND group_folder IS @kept)`);
    this.#effects = db.sql.prepare<{ id: string }, { found: number }>(`
      SELECT EXISTS (SELECT 1 FROM outbox WHERE run_id = @id)
          OR EXISTS (SELECT 1 FROM mailbox_claims WHERE run_id = @id AND changed = 1) AS found`);
    this.#otherEffects = db.sql.prepare<{ id: string }, { found: number }>(`
      SELECT EXISTS (SELECT 1 FROM outbox WHERE run_id = @id AND source <> 'reply')
          OR EXISTS (SELECT 1 FROM mailbox_claims WHERE run_id = @id AND changed = 1) AS found`);
  }

  /** Claims a turn for messages: the run exists before its sandbox does. */
  startChat(
    run: Pick<Run, 'id' | 'folder' | 'chatJid' | 'attempt'> & { firstSeq: number; lastSeq: number },
    at: number,
  ): Run {
    this.#insert.run({
      ...run,
      kind: 'chat',
      taskId: null,
      slot: null,
      notBefore: 0,
      status: 'running',
      at: new Date(at).toISOString(),
    });
    return this.#require(run.id);
  }

  /** Claims one slot of a task. A second claim of the same slot and attempt is refused by the database. */
  queueTask(
    run: Pick<Run, 'id' | 'folder' | 'chatJid' | 'attempt' | 'notBefore'> & { taskId: string; slot: string },
    at: number,
  ): void {
    this.#insert.run({
      ...run,
      kind: 'task',
      firstSeq: null,
      lastSeq: null,
      status: 'queued',
      at: new Date(at).toISOString(),
    });
    this.#db.ring('runs');
  }

  /** Claims a waiting run of a task, before its sandbox exists. */
  startQueued(id: string, at: number): Run {
    this.#start.run(new Date(at).toISOString(), id);
    return this.#require(id);
  }

  /** @returns false when it had ended already: then nothing is changed */
  end(id: string, end: RunEnd, at: number): boolean {
    const { changes } = this.#end.run({
      id,
      status: end.status,
      exitReason: end.exitReason,
      error: end.error ?? null,
      logFile: end.logFile ?? null,
      retryNotBefore: end.retryNotBefore ?? null,
      at: new Date(at).toISOString(),
    });
    return changes > 0;
  }

  /** Notes that an answer of a run was stored. @param at milliseconds since the epoch */
  noteAnswer(id: string, at: number): void {
    this.#answered.run({ id, at: new Date(at).toISOString() });
  }

  /** Whether an answer of a run was stored, a silent one too. */
  wasAnswered(id: string): boolean {
    return this.#find.get(id)?.answeredAt != null;
  }

  #require(id: string): Run {
    const run = this.#find.get(id);
    if (run === undefined) throw new Error(`there is no run ${id}`);
    return run;
  }

  /** Task runs that wait for their turn, the oldest first. */
  queued(): readonly Run[] {
    return this.#queued.all();
  }

  /** Runs that were going: at start-up, those that a crash interrupted. */
  running(): readonly Run[] {
    return this.#running.all();
  }

  /** The run whose sandbox works in a folder now: what the folder's mailbox does belongs to it. */
  runningIn(folder: string): string | undefined {
    return this.#runningIn.get(folder)?.id;
  }

  /** Earlier tries at the turn that begins with this message, those with messages before it that were deleted since too. */
  tries(chatJid: string, firstSeq: number): readonly Run[] {
    return this.#tries.all({ jid: chatJid, first: firstSeq });
  }

  /**
   * The turns for people that a chat has had lately, the oldest first; a follow-up is one. About `most` at
   * most.
   * @param since milliseconds since the epoch
   * @param until milliseconds since the epoch: what is said to be later is from before a clock was set back
   * @returns when each began, in milliseconds since the epoch
   */
  turnsBetween(chatJid: string, since: number, until: number, most: number): readonly number[] {
    const times = { since: new Date(since).toISOString(), until: new Date(until).toISOString() };
    return this.#turnsBetween
      .all({ jid: chatJid, ...times, most: TRIES * most })
      .flatMap(({ at, followUps }) => Array<number>(1 + followUps).fill(parseInstant(at)));
  }

  /** Tries at one slot of a task. */
  slotTries(taskId: string, slot: string): readonly Run[] {
    return this.#slotTries.all(taskId, slot);
  }

  /** Whether a run of a task waits or is going. */
  isOpen(taskId: string): boolean {
    return this.#open.get(taskId) !== undefined;
  }

  /** Ends the runs of a task that still wait. */
  cancelQueued(taskId: string, at: number): void {
    this.#cancel.run({ taskId, at: new Date(at).toISOString() });
  }

  /**
   * Ends all that wait or are going; none of them runs again by itself.
   * @param keptFolder what waits in this folder is left alone
   * @returns how many were ended
   */
  endOpen(
    { exitReason, error }: { exitReason: string; error: string },
    at: number,
    keptFolder?: string,
  ): number {
    const end = { exitReason, error, at: new Date(at).toISOString(), kept: keptFolder ?? null };
    return this.#endOpen.run(end).changes;
  }

  leftEffects(id: string): boolean {
    return this.#effects.get({ id })?.found === 1;
  }

  /** As `leftEffects`, but for its answers. */
  leftOtherEffects(id: string): boolean {
    return this.#otherEffects.get({ id })?.found === 1;
  }
}
