import type { Outgoing } from '../channel/channel.ts';
import type { Database } from './database.ts';

/**
 * What is to be said, and how far it came.
 * - `queued`: committed, nothing left this machine. Exits: `sending`.
 * - `sending`: its wire id is stored and bytes may have left. Exits: `sent` (the server has it), `queued` (nothing left this
 *   machine after all, or it is sent again under the same id), `failed` (refused), `unknown` (no answer after all sends).
 * - `sent`, `failed`, `unknown` are final; the owner is told once of the latter two, unless it was a notice itself.
 * After a crash a row found `sending` goes on as if unconfirmed: sent again under the same id while sends are left.
 */
export type OutboxStatus = 'queued' | 'sending' | 'sent' | 'failed' | 'unknown';

/** `reply`: the agent's answer; `message`: sent by a tool; `notice`: the host's own words. */
export type OutboxSource = 'reply' | 'message' | 'notice';

export interface OutboxRow {
  readonly seq: number;
  readonly chatJid: string;
  readonly message: Outgoing;
  readonly source: OutboxSource;
  readonly runId: string | null;
  readonly status: OutboxStatus;
  readonly wireId: string | null;
  /** How often bytes may have left. */
  readonly sends: number;
  /** Not to be sent before, in milliseconds since the epoch. */
  readonly notBefore: number;
}

interface Raw extends Omit<OutboxRow, 'message'> {
  readonly payload: string;
}

const SELECT = `SELECT seq, chat_jid AS chatJid, payload, source, run_id AS runId, status, wire_id AS wireId, sends,
  not_before AS notBefore FROM outbox`;

function toRow({ payload, ...rest }: Raw): OutboxRow {
  return { ...rest, message: JSON.parse(payload) as Outgoing };
}

export class Outbox {
  readonly #db: Database;
  readonly #insert;
  readonly #heads;
  readonly #sending;
  readonly #again;
  readonly #settle;
  readonly #byWireId;
  readonly #hasReply;
  readonly #counts;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.sql.prepare(`
      INSERT INTO outbox (chat_jid, payload, source, run_id, status, created_at)
      VALUES (@chatJid, @payload, @source, @runId, 'queued', @at)`);
    this.#heads = db.sql.prepare<[], Raw>(`
      ${SELECT} WHERE seq IN (SELECT MIN(seq) FROM outbox WHERE status IN ('queued', 'sending') GROUP BY chat_jid) ORDER BY seq`);
    this.#sending = db.sql.prepare<[string, number]>(
      "UPDATE outbox SET status = 'sending', wire_id = COALESCE(wire_id, ?), sends = sends + 1 WHERE seq = ?",
    );
    this.#again = db.sql.prepare<{ seq: number; notBefore: number; sends: number; error: string }>(
      "UPDATE outbox SET status = 'queued', not_before = @notBefore, sends = @sends, error = @error WHERE seq = @seq",
    );
    this.#settle = db.sql.prepare<{ seq: number; status: string; error: string | null; at: string }>(
      'UPDATE outbox SET status = @status, error = @error, settled_at = @at WHERE seq = @seq',
    );
    this.#byWireId = db.sql.prepare<[string], Raw>(`${SELECT} WHERE wire_id = ?`);
    this.#hasReply = db.sql.prepare<[string]>(
      "SELECT 1 FROM outbox WHERE run_id = ? AND source = 'reply' LIMIT 1",
    );
    this.#counts = db.sql.prepare<[], { status: OutboxStatus; count: number }>(
      'SELECT status, COUNT(*) AS count FROM outbox GROUP BY status',
    );
  }

  /** @returns the row's number; rows of one chat are sent in its order */
  add(
    row: { chatJid: string; message: Outgoing; source: OutboxSource; runId?: string | undefined },
    at: number,
  ): number {
    const { lastInsertRowid } = this.#insert.run({
      chatJid: row.chatJid,
      payload: JSON.stringify(row.message),
      source: row.source,
      runId: row.runId ?? null,
      at: new Date(at).toISOString(),
    });
    this.#db.ring('outbox');
    return Number(lastInsertRowid);
  }

  /** The first open row of each chat. */
  heads(): readonly OutboxRow[] {
    return this.#heads.all().map(toRow);
  }

  /** Commits that bytes are about to leave under a wire id; an id that the row has already is kept. */
  beginSend(seq: number, wireId: string): void {
    this.#sending.run(wireId, seq);
  }

  /** Back to `queued`: to be sent (again) under the same id. @param sends how many sends are to be counted so far */
  requeue(seq: number, again: { notBefore: number; sends: number; error: string }): void {
    this.#again.run({ seq, ...again });
  }

  settle(seq: number, status: 'sent' | 'failed' | 'unknown', at: number, error?: string): void {
    this.#settle.run({ seq, status, error: error ?? null, at: new Date(at).toISOString() });
  }

  /** What was sent under a wire id: the app's own messages come back by it, and peers ask for it again. */
  findByWireId(wireId: string): OutboxRow | undefined {
    const row = this.#byWireId.get(wireId);
    return row === undefined ? undefined : toRow(row);
  }

  /** Whether a run's answer is committed. */
  hasReply(runId: string): boolean {
    return this.#hasReply.get(runId) !== undefined;
  }

  counts(): ReadonlyMap<OutboxStatus, number> {
    return new Map(this.#counts.all().map(({ status, count }) => [status, count]));
  }
}
