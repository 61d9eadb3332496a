import type { Outgoing } from '../channel/channel.ts';
import { wellFormed } from '../protocol/graphemes.ts';
import type { Database } from './database.ts';
import { OTHER_ACCOUNT } from './runs.ts';
import { currentJid } from './same-person.ts';

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

/** A message that answers people and has reached the server, or is on its way. */
export interface LastAnswer {
  readonly seq: number;
  /** The first message that its run was to answer. */
  readonly firstSeq: number;
  /** ISO instant; null: the server has not acknowledged it yet. */
  readonly settledAt: string | null;
}

/** So many of a chat's last rows are looked through for an answer. */
const ROWS_LOOKED_AT = 50;

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
  readonly #statusOf;
  readonly #openFiles;
  readonly #saidSince;
  readonly #lastAnswer;
  readonly #eraseQuotes;
  readonly #openMessages;
  readonly #counts;
  readonly #giveUpWaiting;
  readonly #closeOpen;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.sql.prepare(`
      INSERT INTO outbox (chat_jid, payload, source, run_id, created_at, status, error, settled_at)
      SELECT ${currentJid('@chatJid')}, @payload, @source, @runId, @at,
        CASE WHEN closed THEN 'failed' ELSE 'queued' END, CASE WHEN closed THEN error END, CASE WHEN closed THEN @at END
      FROM (SELECT MAX(error) AS error, COUNT(*) > 0 AS closed FROM runs
        WHERE id = @runId AND exit_reason = '${OTHER_ACCOUNT}')`);
    this.#heads = db.sql.prepare<[], Raw>(`
      ${SELECT} WHERE seq IN (SELECT MIN(seq) FROM outbox WHERE status IN ('queued', 'sending') GROUP BY chat_jid) ORDER BY seq`);
    this.#sending = db.sql.prepare<[string, number]>(
      "UPDATE outbox SET status = 'sending', wire_id = COALESCE(wire_id, ?), sends = sends + 1 WHERE seq = ? AND status IN ('queued', 'sending')",
    );
    this.#again = db.sql.prepare<{ seq: number; notBefore: number; sends: number; error: string }>(
      "UPDATE outbox SET status = 'queued', not_before = @notBefore, sends = @sends, error = @error WHERE seq = @seq AND status = 'sending'",
    );
    this.#settle = db.sql.prepare<{ seq: number; status: string; error: string | null; at: string }>(
      "UPDATE outbox SET status = @status, error = @error, settled_at = @at WHERE seq = @seq AND status IN ('queued', 'sending')",
    );
    this.#giveUpWaiting = db.sql.prepare<{ jid: string; error: string; at: string }>(`
      UPDATE outbox INDEXED BY outbox_open SET status = 'failed', error = @error, settled_at = @at
      WHERE status IN ('queued', 'sending') AND status = 'queued' AND chat_jid = @jid`);
    this.#closeOpen = db.sql.prepare<{ error: string; at: string }>(`
      UPDATE outbox SET status = CASE status WHEN 'queued' THEN 'failed' ELSE 'unknown' END, error = @error, settled_at = @at
      WHERE status IN ('queued', 'sending')`);
    this.#byWireId = db.sql.prepare<[string], Raw>(`${SELECT} WHERE wire_id = ?`);
    this.#statusOf = db.sql.prepare<[number], { status: OutboxStatus }>(
      'SELECT status FROM outbox WHERE seq = ?',
    );
    this.#openFiles = db.sql.prepare<[], { path: string }>(`
      SELECT payload ->> '$.path' AS path FROM outbox
      WHERE status IN ('queued', 'sending') AND payload ->> '$.kind' = 'file'`);
    this.#saidSince = db.sql.prepare<{ runId: string; since: string }>(
      'SELECT 1 FROM outbox WHERE run_id = @runId AND created_at >= @since LIMIT 1',
    );
    this.#lastAnswer = db.sql.prepare<{ jid: string }, LastAnswer>(`
      SELECT o.seq, r.first_seq AS firstSeq, o.settled_at AS settledAt
      FROM (SELECT * FROM outbox WHERE chat_jid = @jid ORDER BY seq DESC LIMIT ${ROWS_LOOKED_AT}) o
        JOIN runs r ON r.id = o.run_id AND r.kind = 'chat' AND r.chat_jid = o.chat_jid
      WHERE o.status IN ('sent', 'sending') ORDER BY o.seq DESC LIMIT 1`);
    this.#eraseQuotes = db.sql.prepare<{ jid: string; id: string }>(`
      UPDATE outbox SET payload = json_remove(payload, '$.quoted')
      WHERE chat_jid = @jid AND json_valid(payload) AND payload ->> '$.quoted.id' = @id`);
    this.#openMessages = db.sql.prepare<
      { jid: string; runId: string | null },
      { toChat: number; ofRun: number }
    >(`
      SELECT (SELECT COUNT(*) FROM outbox INDEXED BY outbox_open WHERE status IN ('queued', 'sending')
          AND source = 'message' AND chat_jid = ${currentJid('@jid')}) AS toChat,
        (SELECT COUNT(*) FROM outbox INDEXED BY outbox_by_run WHERE run_id = @runId
          AND status IN ('queued', 'sending') AND source = 'message') AS ofRun`);
    this.#counts = db.sql.prepare<[], { status: OutboxStatus; count: number }>(
      'SELECT status, COUNT(*) AS count FROM outbox GROUP BY status',
    );
  }

  /**
   * What a run says that was ended for another account is `failed` from the beginning: it must not leave from that one.
   * @returns the row's number; rows of one chat are sent in its order
   */
  add(
    row: { chatJid: string; message: Outgoing; source: OutboxSource; runId?: string | undefined },
    at: number,
  ): number {
    const { lastInsertRowid } = this.#insert.run({
      chatJid: row.chatJid,
      payload: JSON.stringify(row.message, wellFormed),
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

  /**
   * Commits that bytes are about to leave under a wire id; an id that the row has already is kept.
   * @returns false when the row was settled meanwhile: then nothing is to leave
   */
  beginSend(seq: number, wireId: string): boolean {
    return this.#sending.run(wireId, seq).changes > 0;
  }

  /** Back to `queued`: to be sent (again) under the same id. @param sends how many sends are to be counted so far */
  requeue(seq: number, again: { notBefore: number; sends: number; error: string }): void {
    this.#again.run({ seq, ...again });
  }

  settle(seq: number, status: 'sent' | 'failed' | 'unknown', at: number, error?: string): void {
    this.#settle.run({ seq, status, error: error ?? null, at: new Date(at).toISOString() });
  }

  /** What waits to be sent to a chat never will be: `queued` becomes `failed`, and nobody is told of each. */
  giveUpWaiting(chatJid: string, error: string, at: number): void {
    this.#giveUpWaiting.run({ jid: chatJid, error, at: new Date(at).toISOString() });
  }

  /** Nothing that is open will be sent any more, and nobody is told of each. @returns how many there were */
  closeOpen(error: string, at: number): number {
    return this.#closeOpen.run({ error, at: new Date(at).toISOString() }).changes;
  }

  /** What was sent under a wire id: the app's own messages come back by it, and peers ask for it again. */
  findByWireId(wireId: string): OutboxRow | undefined {
    const row = this.#byWireId.get(wireId);
    return row === undefined ? undefined : toRow(row);
  }

  statusOf(seq: number): OutboxStatus | undefined {
    return this.#statusOf.get(seq)?.status;
  }

  /** Host copies of files that are still to be sent, as their rows name them. */
  openFiles(): ReadonlySet<string> {
    return new Set(this.#openFiles.all().map(({ path }) => path));
  }

  /** A message was taken back: what quotes it does so no more. */
  eraseQuotes(chatJid: string, id: string): void {
    this.#eraseQuotes.run({ jid: chatJid, id });
  }

  /** Whether a run's agent has said anything since an instant. @param since milliseconds since the epoch */
  hasSaidSince(runId: string, since: number): boolean {
    return this.#saidSince.get({ runId, since: new Date(since).toISOString() }) !== undefined;
  }

  /**
   * The last message to a chat, of those that a turn for people has left there, that has reached the server
   * or is on its way.
   */
  lastAnswer(chatJid: string): LastAnswer | undefined {
    return this.#lastAnswer.get({ jid: chatJid });
  }

  /** How many messages of agents wait to be sent: to a chat, and of a run. @param runId undefined: of none */
  openMessages(chatJid: string, runId: string | undefined): { toChat: number; ofRun: number } {
    return this.#openMessages.get({ jid: chatJid, runId: runId ?? null }) ?? { toChat: 0, ofRun: 0 };
  }

  counts(): ReadonlyMap<OutboxStatus, number> {
    return new Map(this.#counts.all().map(({ status, count }) => [status, count]));
  }
}
