import type { Database } from './database.ts';

export interface NewMessage {
  readonly id: string;
  readonly chatJid: string;
  readonly sender: string;
  readonly senderName: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly fromMe: boolean;
  /** Whether it called the assistant, as the group was set when it came. */
  readonly isTrigger: boolean;
  readonly replyTo?: { readonly id: string; readonly senderName: string; readonly text: string } | undefined;
}

export interface StoredMessage {
  /** The cursor's unit: grows with each stored message, is never reused. */
  readonly seq: number;
  readonly id: string;
  readonly sender: string;
  readonly senderName: string;
  readonly text: string;
  /** ISO instant. */
  readonly timestamp: string;
  readonly isTrigger: number;
  readonly replyToId: string | null;
  readonly replyToName: string | null;
  readonly replyToText: string | null;
}

/** A chat with a message that calls the assistant and is not answered yet. */
export interface WaitingChat {
  readonly chatJid: string;
  /** The first such message. */
  readonly firstSeq: number;
}

const SELECT = `SELECT seq, id, sender, COALESCE(sender_name, sender) AS senderName, content AS text, timestamp,
  is_trigger AS isTrigger, reply_to_message_id AS replyToId, reply_to_sender_name AS replyToName,
  reply_to_message_content AS replyToText FROM messages`;

const CURSOR_OF_GROUP =
  "COALESCE((SELECT CAST(value AS INTEGER) FROM router_state WHERE key = 'cursor:' || g.jid), 0)";

/** Messages of registered chats, in the order in which they were stored. */
export class Messages {
  readonly #db: Database;
  readonly #insert;
  readonly #before;
  readonly #from;
  readonly #waiting;
  readonly #nextCall;
  readonly #lastBefore;
  readonly #cursor;
  readonly #setCursor;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.sql.prepare(`
      INSERT OR IGNORE INTO messages (id, chat_jid, sender, sender_name, content, timestamp, is_from_me, is_trigger,
        reply_to_message_id, reply_to_sender_name, reply_to_message_content)
      VALUES (@id, @chatJid, @sender, @senderName, @text, @timestamp, @fromMe, @isTrigger, @replyToId, @replyToName, @replyToText)`);
    this.#before = db.sql.prepare<
      { jid: string; after: number; first: number; limit: number },
      StoredMessage
    >(`
      SELECT * FROM (${SELECT} WHERE chat_jid = @jid AND seq > @after AND seq < @first AND is_bot_message = 0
        ORDER BY seq DESC LIMIT @limit) ORDER BY seq`);
    this.#from = db.sql.prepare<{ jid: string; first: number; limit: number }, StoredMessage>(
      `${SELECT} WHERE chat_jid = @jid AND seq >= @first AND is_bot_message = 0 ORDER BY seq LIMIT @limit`,
    );
    this.#waiting = db.sql.prepare<[], WaitingChat>(`
      SELECT chatJid, MIN(seq) AS firstSeq FROM (
        SELECT m.chat_jid AS chatJid, m.seq FROM registered_groups g JOIN messages m ON m.chat_jid = g.jid
        WHERE COALESCE(g.requires_trigger, 1) <> 0 AND m.is_trigger = 1 AND m.seq > ${CURSOR_OF_GROUP}
        UNION ALL
        SELECT m.chat_jid, m.seq FROM registered_groups g JOIN messages m ON m.chat_jid = g.jid
        WHERE g.requires_trigger = 0 AND m.is_bot_message = 0 AND m.seq > ${CURSOR_OF_GROUP})
      GROUP BY chatJid ORDER BY firstSeq`);
    this.#nextCall = db.sql.prepare<{ jid: string; after: number; all: number }, { seq: number | null }>(`
      SELECT MIN(seq) AS seq FROM messages
      WHERE chat_jid = @jid AND seq > @after AND is_bot_message = 0 AND (@all = 1 OR is_trigger = 1)`);
    this.#lastBefore = db.sql.prepare<[string, string], { seq: number | null }>(
      'SELECT MAX(seq) AS seq FROM messages WHERE chat_jid = ? AND timestamp <= ?',
    );
    this.#cursor = db.sql.prepare<[string], { value: string }>(
      'SELECT value FROM router_state WHERE key = ?',
    );
    this.#setCursor = db.sql.prepare<{ key: string; value: string }>(`
      INSERT INTO router_state (key, value) VALUES (@key, @value)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value
      WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)`);
  }

  /** Stores a message once. @returns false when it was there already */
  add(message: NewMessage): boolean {
    const { changes } = this.#insert.run({
      id: message.id,
      chatJid: message.chatJid,
      sender: message.sender,
      senderName: message.senderName,
      text: message.text,
      timestamp: new Date(message.timestamp).toISOString(),
      fromMe: message.fromMe ? 1 : 0,
      isTrigger: message.isTrigger ? 1 : 0,
      replyToId: message.replyTo?.id ?? null,
      replyToName: message.replyTo?.senderName ?? null,
      replyToText: message.replyTo?.text ?? null,
    });
    if (changes > 0) this.#db.ring('messages');
    return changes > 0;
  }

  /** The last message of a chat that was answered or closed; 0: none. */
  cursor(chatJid: string): number {
    return Number(this.#cursor.get(`cursor:${chatJid}`)?.value ?? 0);
  }

  /** Moves a chat's cursor forward; never back. */
  moveCursor(chatJid: string, seq: number): void {
    this.#setCursor.run({ key: `cursor:${chatJid}`, value: String(seq) });
  }

  /** Moves a chat's cursor to its last message not newer than an ISO instant, as v1 kept it. */
  moveCursorToTime(chatJid: string, timestamp: string): void {
    const seq = this.#lastBefore.get(chatJid, timestamp)?.seq;
    if (seq != null) this.moveCursor(chatJid, seq);
  }

  /** Nothing that is in a chat now waits any more. */
  moveCursorToEnd(chatJid: string): void {
    this.moveCursorToTime(chatJid, '\uffff');
  }

  /** The chats in which somebody waits for an answer, the longest waiting first. */
  waiting(): readonly WaitingChat[] {
    return this.#waiting.all();
  }

  /** The first message after another one that calls the assistant; undefined: none. */
  nextCall(chatJid: string, after: number, requiresTrigger: boolean): number | undefined {
    return this.#nextCall.get({ jid: chatJid, after, all: requiresTrigger ? 0 : 1 })?.seq ?? undefined;
  }

  /**
   * The messages of a turn, oldest first: those since the last answered one, at most `before` of them ahead of the first
   * message that calls and `from` of them from that one on. What is left out behind waits for the next turn.
   */
  ofTurn(
    chatJid: string,
    firstSeq: number,
    most: { before: number; from: number },
  ): readonly StoredMessage[] {
    return [
      ...this.#before.all({ jid: chatJid, after: this.cursor(chatJid), first: firstSeq, limit: most.before }),
      ...this.#from.all({ jid: chatJid, first: firstSeq, limit: most.from }),
    ];
  }
}
