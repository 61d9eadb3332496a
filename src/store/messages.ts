import { adoptCallsAndAnswers } from './adopt-v1.ts';
import type { Database } from './database.ts';
import { currentJid } from './same-person.ts';

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
  /** It is read with the others and calls nobody, not even where no trigger is needed. Absent: false. */
  readonly isContext?: boolean | undefined;
  /** It triggers, but not before this instant, in milliseconds since the epoch: until then it is context. */
  readonly heldUntil?: number | undefined;
  readonly replyTo?: { readonly id: string; readonly senderName: string; readonly text: string } | undefined;
  /** The message that this one is the new text of: it was shown to an agent before it was edited, or before its words were made out. */
  readonly editOf?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly editedAt?: number | undefined;
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
  readonly isFromMe: number;
  readonly isTrigger: number;
  readonly isContext: number;
  /** Whether it stood in a prompt. */
  readonly isShown: number;
  /**
   * It triggers when this instant has come, in milliseconds since the epoch; null: it has triggered, or never
   * does.
   */
  readonly heldUntil: number | null;
  readonly editOf: string | null;
  /** ISO instant. */
  readonly editedAt: string | null;
  /** ISO instant; the text is gone. */
  readonly deletedAt: string | null;
  readonly replyToId: string | null;
  readonly replyToName: string | null;
  readonly replyToText: string | null;
}

/** A message that another one answers or reacts to. */
export interface MessageTarget {
  readonly id: string;
  readonly sender: string;
  readonly text: string;
  readonly fromMe: boolean;
}

/** A chat with a message that calls the assistant and is not answered yet. */
export interface WaitingChat {
  readonly chatJid: string;
  /** The first such message. */
  readonly firstSeq: number;
}

/** So many messages that are left out of a prompt are counted. */
const MOST_COUNTED = 20_000;

const SELECT = `SELECT seq, id, sender, COALESCE(sender_name, sender) AS senderName, content AS text, timestamp,
  is_from_me AS isFromMe, is_trigger AS isTrigger, is_context AS isContext, is_shown AS isShown, held_until AS heldUntil, edit_of AS editOf, edited_at AS editedAt,
  deleted_at AS deletedAt, reply_to_message_id AS replyToId, reply_to_sender_name AS replyToName,
  reply_to_message_content AS replyToText FROM messages`;

/** One that was deleted is told of only where it had been shown. */
const TOLD = 'is_bot_message = 0 AND (deleted_at IS NULL OR is_shown = 1)';

/** A phone knows a message, whatever became of its text, by its first id. */
const SELECT_TARGET =
  'SELECT COALESCE(edit_of, id) AS id, sender, content AS text, is_from_me AS fromMe FROM messages';

interface TargetRow extends Omit<MessageTarget, 'fromMe'> {
  readonly fromMe: number;
}

function toTarget(row: TargetRow | undefined): MessageTarget | undefined {
  return row === undefined ? undefined : { ...row, fromMe: row.fromMe === 1 };
}

/** What triggers where no trigger is needed. */
const ANY_TRIGGERS = 'is_bot_message = 0 AND is_context = 0';

const CURSOR_OF_GROUP =
  "COALESCE((SELECT CAST(value AS INTEGER) FROM router_state WHERE key = 'cursor:' || g.jid), 0)";

/** Messages of registered chats, in the order in which they were stored. */
export class Messages {
  readonly #db: Database;
  readonly #insert;
  readonly #before;
  readonly #from;
  readonly #between;
  readonly #waiting;
  readonly #nextTrigger;
  readonly #nextOfAny;
  readonly #lastTrigger;
  readonly #lastOfAny;
  readonly #triggers;
  readonly #anyTriggers;
  readonly #target;
  readonly #lastBefore;
  readonly #cursor;
  readonly #lastTriggerOf;
  readonly #hold;
  readonly #heldTimes;
  readonly #due;
  readonly #release;
  readonly #releaseLate;
  readonly #dropHeld;
  readonly #setCursor;
  readonly #call;
  readonly #callLate;
  readonly #versions;
  readonly #rewrite;
  readonly #quote;
  readonly #erase;
  readonly #eraseQuotes;
  readonly #eraseFiles;
  readonly #markShown;
  readonly #deletedCall;
  readonly #isEdit;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.sql.prepare(`
      INSERT OR IGNORE INTO messages (id, chat_jid, sender, sender_name, content, timestamp, is_from_me, is_trigger, is_context,
        reply_to_message_id, reply_to_sender_name, reply_to_message_content, edit_of, edited_at, held_until)
      VALUES (@id, @chatJid, @sender, @senderName, @text, @timestamp, @fromMe, @isTrigger, @isContext,
        @replyToId, @replyToName, @replyToText, @editOf, @editedAt, @heldUntil)`);
    this.#before = db.sql.prepare<
      { jid: string; after: number; first: number; limit: number },
      StoredMessage
    >(`
      SELECT * FROM (${SELECT} WHERE chat_jid = @jid AND seq > @after AND seq < @first AND ${TOLD}
        ORDER BY seq DESC LIMIT @limit) ORDER BY seq`);
    this.#from = db.sql.prepare<{ jid: string; first: number; limit: number }, StoredMessage>(
      `${SELECT} WHERE chat_jid = @jid AND seq >= @first AND ${TOLD} ORDER BY seq LIMIT @limit`,
    );
    this.#between = db.sql.prepare<{ jid: string; after: number; before: number }, { count: number }>(`
      SELECT COUNT(*) AS count FROM (SELECT 1 FROM messages INDEXED BY messages_told
        WHERE chat_jid = @jid AND seq > @after AND seq < @before AND ${TOLD} LIMIT ${MOST_COUNTED})`);
    // One step into an index for each chat, however many messages there are.
    this.#waiting = db.sql.prepare<[], WaitingChat>(`
      WITH first AS MATERIALIZED (
        SELECT g.jid AS chatJid, CASE g.requires_trigger
          WHEN 0 THEN (SELECT MIN(m.seq) FROM messages AS m INDEXED BY messages_that_may_trigger
            WHERE m.chat_jid = g.jid AND ${ANY_TRIGGERS} AND m.seq > ${CURSOR_OF_GROUP})
          ELSE (SELECT MIN(m.seq) FROM messages AS m INDEXED BY messages_that_trigger
            WHERE m.chat_jid = g.jid AND is_trigger = 1 AND m.seq > ${CURSOR_OF_GROUP}) END AS firstSeq
        FROM registered_groups g)
      SELECT chatJid, firstSeq FROM first WHERE firstSeq IS NOT NULL ORDER BY firstSeq`);
    const nextCall = (index: string, where: string) =>
      db.sql.prepare<{ jid: string; after: number }, { seq: number | null }>(`
        SELECT MIN(seq) AS seq FROM messages INDEXED BY ${index}
        WHERE chat_jid = @jid AND seq > @after AND ${where}`);
    this.#nextTrigger = nextCall('messages_that_trigger', 'is_trigger = 1');
    this.#nextOfAny = nextCall('messages_that_may_trigger', ANY_TRIGGERS);
    const lastCall = (index: string, where: string) =>
      db.sql.prepare<{ jid: string; upTo: number }, TargetRow>(`
        ${SELECT_TARGET} INDEXED BY ${index}
        WHERE chat_jid = @jid AND seq <= @upTo AND ${where} ORDER BY seq DESC LIMIT 1`);
    this.#lastTrigger = lastCall('messages_that_trigger', 'is_trigger = 1');
    this.#lastOfAny = lastCall('messages_that_may_trigger', ANY_TRIGGERS);
    const triggers = (index: string, where: string) =>
      db.sql.prepare<
        { jid: string; first: number; last: number },
        Pick<StoredMessage, 'senderName' | 'text'>
      >(`
        SELECT COALESCE(sender_name, sender) AS senderName, content AS text FROM messages INDEXED BY ${index}
        WHERE chat_jid = @jid AND seq BETWEEN @first AND @last AND ${where} ORDER BY seq`);
    this.#triggers = triggers('messages_that_trigger', 'is_trigger = 1');
    this.#anyTriggers = triggers('messages_that_may_trigger', ANY_TRIGGERS);
    this.#target = db.sql.prepare<{ jid: string; id: string }, TargetRow>(`
      ${SELECT_TARGET} WHERE chat_jid = ${currentJid('@jid')} AND id = @id ORDER BY seq DESC LIMIT 1`);
    this.#lastBefore = db.sql.prepare<[string, string], { seq: number | null }>(
      'SELECT MAX(seq) AS seq FROM messages WHERE chat_jid = ? AND timestamp <= ?',
    );
    this.#lastTriggerOf = db.sql.prepare<
      { jid: string; sender: string; first: number },
      { seq: number | null }
    >(`
      SELECT MAX(seq) AS seq FROM (
        SELECT MAX(seq) AS seq FROM messages INDEXED BY messages_held
          WHERE held_until IS NOT NULL AND chat_jid = @jid AND seq >= @first AND sender = @sender
        UNION ALL SELECT MAX(seq) FROM messages INDEXED BY triggers_by_sender
          WHERE is_trigger = 1 AND is_context = 0 AND chat_jid = @jid AND seq >= @first AND sender = @sender
        UNION ALL SELECT MAX(seq) FROM messages INDEXED BY messages_that_may_trigger
          WHERE ${ANY_TRIGGERS} AND chat_jid = @jid AND seq >= @first AND sender = @sender
            AND EXISTS (SELECT 1 FROM registered_groups WHERE jid = @jid AND requires_trigger = 0))`);
    this.#hold = db.sql.prepare<{ seq: number; until: number | null }>(
      'UPDATE messages SET held_until = @until WHERE seq = @seq AND deleted_at IS NULL',
    );
    this.#heldTimes = db.sql.prepare<[], { first: number | null; last: number | null }>(`
      SELECT (SELECT MIN(held_until) FROM messages WHERE held_until IS NOT NULL) AS first,
        (SELECT MAX(held_until) FROM messages WHERE held_until IS NOT NULL) AS last`);
    this.#due = db.sql.prepare<{ now: number; mute: number; limit: number }, { seq: number }>(`
      SELECT seq FROM messages AS m INDEXED BY messages_held WHERE held_until IS NOT NULL AND (held_until <= @now OR held_until > @now
        + CASE (SELECT CAST(value AS INTEGER) FROM router_state WHERE key = 'limit:' || m.chat_jid)
          WHEN held_until THEN @limit ELSE @mute END) ORDER BY held_until, seq`);
    this.#release = db.sql.prepare<{ seq: number }>(`
      UPDATE messages SET is_trigger = 1, is_context = 0 WHERE seq = @seq AND is_shown = 0
        AND seq > COALESCE((SELECT CAST(value AS INTEGER) FROM router_state WHERE key = 'cursor:' || chat_jid), 0)`);
    this.#releaseLate = db.sql.prepare<{ seq: number; id: string }>(`
      INSERT OR IGNORE INTO messages (id, chat_jid, sender, sender_name, content, timestamp, is_from_me, is_trigger,
        reply_to_message_id, reply_to_sender_name, reply_to_message_content, edit_of)
      SELECT @id, chat_jid, sender, sender_name, words, timestamp, is_from_me, 1,
        COALESCE(edit_of, id), COALESCE(sender_name, sender), words, COALESCE(edit_of, id)
      FROM (SELECT *, COALESCE((SELECT transcript FROM attachments
          WHERE message_seq = messages.seq AND transcript IS NOT NULL LIMIT 1), content) AS words
        FROM messages WHERE seq = @seq)`);
    this.#dropHeld = db.sql.prepare<[string]>(
      'UPDATE messages INDEXED BY messages_held SET held_until = NULL WHERE chat_jid = ? AND held_until IS NOT NULL',
    );
    this.#cursor = db.sql.prepare<{ jid: string }, { value: string }>(
      `SELECT value FROM router_state WHERE key = 'cursor:' || ${currentJid('@jid')}`,
    );
    this.#setCursor = db.sql.prepare<{ jid: string; value: string }>(`
      INSERT INTO router_state (key, value) VALUES ('cursor:' || ${currentJid('@jid')}, @value)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value
      WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)`);
    this.#call = db.sql.prepare<{ seq: number }>(`
      UPDATE messages SET is_trigger = 1 WHERE seq = @seq AND is_context = 0 AND deleted_at IS NULL AND is_shown = 0
        AND seq > COALESCE((SELECT CAST(value AS INTEGER) FROM router_state WHERE key = 'cursor:' || chat_jid), 0)`);
    this.#callLate = db.sql.prepare<{ seq: number; words: string; id: string }>(`
      INSERT OR IGNORE INTO messages (id, chat_jid, sender, sender_name, content, timestamp, is_from_me, is_trigger,
        reply_to_message_id, reply_to_sender_name, reply_to_message_content, edit_of)
      SELECT @id, chat_jid, sender, sender_name, @words, timestamp, is_from_me, 1,
        id, COALESCE(sender_name, sender), content, id
      FROM messages WHERE seq = @seq AND is_context = 0 AND deleted_at IS NULL`);
    this.#versions = db.sql.prepare<{ jid: string; id: string }, StoredMessage>(`
      SELECT * FROM (${SELECT} WHERE chat_jid = @jid AND id = @id AND edit_of IS NULL
        UNION ALL ${SELECT} WHERE chat_jid = @jid AND edit_of = @id) ORDER BY seq`);
    this.#rewrite = db.sql.prepare(
      `UPDATE messages SET content = @text, edited_at = @at, is_trigger = @isTrigger, is_context = @isContext,
        held_until = @heldUntil WHERE seq = @seq`,
    );
    this.#quote = db.sql.prepare<{ seq: number; id: string; name: string; text: string }>(`
      UPDATE messages SET reply_to_message_id = @id, reply_to_sender_name = @name, reply_to_message_content = @text
      WHERE seq = @seq`);
    this.#erase = db.sql.prepare<{ seq: number; at: string }>(
      `UPDATE messages SET content = '', is_trigger = 0, is_context = 1, held_until = NULL, deleted_at = @at
        WHERE seq = @seq`,
    );
    this.#eraseQuotes = db.sql.prepare<{ jid: string; id: string }>(
      'UPDATE messages SET reply_to_message_content = NULL WHERE chat_jid = @jid AND reply_to_message_id = @id',
    );
    this.#eraseFiles = db.sql.prepare<{ seq: number }>(
      "UPDATE attachments SET file_name = NULL, transcript = NULL, reference = '' WHERE message_seq = @seq",
    );
    this.#deletedCall = db.sql.prepare<{ jid: string; after: number; upTo: number }>(
      `SELECT 1 FROM messages INDEXED BY messages_deleted WHERE chat_jid = @jid AND seq > @after AND seq <= @upTo
        AND deleted_at IS NOT NULL AND is_shown = 1 LIMIT 1`,
    );
    this.#isEdit = db.sql.prepare<[number]>('SELECT 1 FROM messages WHERE seq = ? AND edit_of IS NOT NULL');
    this.#markShown = db.sql.prepare<{ jid: string; first: number; last: number }>(`
      UPDATE messages SET is_shown = 1
      WHERE chat_jid = @jid AND seq BETWEEN @first AND @last AND is_bot_message = 0 AND is_shown = 0
        AND deleted_at IS NULL`);
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
      isContext: message.isContext ? 1 : 0,
      replyToId: message.replyTo?.id ?? null,
      replyToName: message.replyTo?.senderName ?? null,
      replyToText: message.replyTo?.text ?? null,
      editOf: message.editOf ?? null,
      editedAt: message.editedAt === undefined ? null : new Date(message.editedAt).toISOString(),
      heldUntil: message.heldUntil ?? null,
    });
    if (changes > 0) this.#db.ring('messages');
    return changes > 0;
  }

  /** The last message of a sender, from one message on, that triggers the assistant; undefined: none. */
  lastTriggerOf(chatJid: string, sender: string, first: number): number | undefined {
    return this.#lastTriggerOf.get({ jid: chatJid, sender, first })?.seq ?? undefined;
  }

  /** Lets a message trigger at an instant, in milliseconds since the epoch; null: never. */
  hold(seq: number, until: number | null): void {
    if (this.#hold.run({ seq, until }).changes > 0) this.#db.ring('messages');
  }

  /**
   * The first and the last instant at which messages that wait trigger, in milliseconds since the epoch;
   * undefined: none waits.
   */
  heldTimes(): { readonly first: number; readonly last: number } | undefined {
    const { first = null, last = null } = this.#heldTimes.get() ?? {};
    return first === null || last === null ? undefined : { first, last };
  }

  /**
   * Lets those messages trigger whose time has come. As long as no turn has passed one, it triggers itself;
   * else a copy behind it, as a late edit does. To be called in a transaction.
   * @param now milliseconds since the epoch
   * @param longestMs no sender is muted, and no chat over its limit, for longer than this from now: further
   *   off is what a clock said that was set back since
   */
  release(
    now: number,
    longestMs: { readonly mute: number; readonly limit: number },
    newId: () => string,
  ): void {
    for (const { seq } of this.#due.all({ now, ...longestMs })) {
      if (this.#release.run({ seq }).changes === 0) this.#releaseLate.run({ seq, id: newId() });
      this.hold(seq, null);
    }
  }

  /** A message with what came of it by edits after it was shown, oldest first. An id may be borne by messages of several senders. */
  versions(chatJid: string, id: string): readonly StoredMessage[] {
    return this.#versions.all({ jid: chatJid, id });
  }

  /** Puts another text in a message's place. @param at milliseconds since the epoch */
  rewrite(
    seq: number,
    change: {
      readonly text: string;
      readonly isTrigger: boolean;
      readonly isContext: boolean;
      readonly heldUntil?: number | undefined;
      readonly at: number;
    },
  ): void {
    this.#rewrite.run({
      seq,
      text: change.text,
      isTrigger: change.isTrigger ? 1 : 0,
      isContext: change.isContext ? 1 : 0,
      heldUntil: change.heldUntil ?? null,
      at: new Date(change.at).toISOString(),
    });
    this.#db.ring('messages');
  }

  /** A message answers another one, which was not known when it was stored. */
  quote(seq: number, replyTo: NonNullable<NewMessage['replyTo']>): void {
    this.#quote.run({ seq, id: replyTo.id, name: replyTo.senderName, text: replyTo.text });
  }

  /**
   * A voice note turns out to call. As long as no turn has passed it, it counts as a call itself; else its words are a message behind it,
   * as a late edit is.
   * @param id of the message that may be needed
   */
  callAloud(seq: number, words: string, id: string): void {
    const { changes } = this.#call.run({ seq });
    if (changes === 0) this.#callLate.run({ seq, words, id });
    this.#db.ring('messages');
  }

  /**
   * Takes the text of a message out of the database, also where others quote it, with the names, words and keys of its files; it
   * calls nobody any more.
   * @param at milliseconds since the epoch
   */
  erase(chatJid: string, id: string, seq: number, at: number): void {
    this.#erase.run({ seq, at: new Date(at).toISOString() });
    this.#eraseQuotes.run({ jid: chatJid, id });
    this.#db.ring('messages');
    this.#eraseFiles.run({ seq });
    // Its files themselves go too.
    this.#db.ring('attachments');
  }

  /** These messages of a chat, from one to another, stand in a prompt: what becomes of them is told from now on. */
  markShown(chatJid: string, messages: readonly StoredMessage[]): void {
    const [first, last] = [messages[0]?.seq, messages.at(-1)?.seq];
    if (first !== undefined && last !== undefined) this.#markShown.run({ jid: chatJid, first, last });
  }

  /** The last message of a chat that was answered or closed; 0: none. */
  cursor(chatJid: string): number {
    return Number(this.#cursor.get({ jid: chatJid })?.value ?? 0);
  }

  /** Moves a chat's cursor forward; never back. */
  moveCursor(chatJid: string, seq: number): void {
    this.#setCursor.run({ jid: chatJid, value: String(seq) });
  }

  /** Marks what triggers, and v1's own answers, among the messages that no host of ours has judged. */
  adoptCallsAndAnswers(): void {
    adoptCallsAndAnswers(this.#db.sql, 'is_context = 0 AND is_shown = 0 AND held_until IS NULL');
  }

  /** Moves a chat's cursor to its last message not newer than an ISO instant, as v1 kept it. */
  moveCursorToTime(chatJid: string, timestamp: string): void {
    const seq = this.#lastBefore.get(chatJid, timestamp)?.seq;
    if (seq != null) this.moveCursor(chatJid, seq);
  }

  /** Nothing that is in a chat now waits any more. */
  moveCursorToEnd(chatJid: string): void {
    this.moveCursorToTime(chatJid, '\uffff');
    this.#dropHeld.run(chatJid);
  }

  /** The chats in which somebody waits for an answer, the longest waiting first. */
  waiting(): readonly WaitingChat[] {
    return this.#waiting.all();
  }

  /** The first message after another one that calls the assistant; undefined: none. */
  nextCall(chatJid: string, after: number, requiresTrigger: boolean): number | undefined {
    const next = requiresTrigger ? this.#nextTrigger : this.#nextOfAny;
    return next.get({ jid: chatJid, after })?.seq ?? undefined;
  }

  /** Whether messages up to one of them were deleted, and none is left among the unanswered ones up to there that triggers. */
  areCallsDeleted(chatJid: string, upTo: number, requiresTrigger: boolean): boolean {
    const after = this.cursor(chatJid);
    if (this.#deletedCall.get({ jid: chatJid, after, upTo }) === undefined) return false;
    return (this.nextCall(chatJid, after, requiresTrigger) ?? Number.POSITIVE_INFINITY) > upTo;
  }

  /** Whether a message is the new text of one that an agent was shown. */
  isEdit(seq: number): boolean {
    return this.#isEdit.get(seq) !== undefined;
  }

  /** The last message, of those up to one of them, that calls the assistant. */
  lastCall(chatJid: string, upTo: number, requiresTrigger: boolean): MessageTarget | undefined {
    const last = requiresTrigger ? this.#lastTrigger : this.#lastOfAny;
    return toTarget(last.get({ jid: chatJid, upTo }));
  }

  /** The messages that trigger the assistant, from one message to another, in order. */
  triggers(
    chatJid: string,
    first: number,
    last: number,
    requiresTrigger: boolean,
  ): readonly Pick<StoredMessage, 'senderName' | 'text'>[] {
    const triggers = requiresTrigger ? this.#triggers : this.#anyTriggers;
    return triggers.all({ jid: chatJid, first, last });
  }

  /** A message of a chat by the platform's id; of several with the same id the last one. */
  find(chatJid: string, id: string): MessageTarget | undefined {
    return toTarget(this.#target.get({ jid: chatJid, id }));
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

  /**
   * How many messages of a chat stand between two others: those that a prompt would show. At most 20,000 are
   * counted.
   */
  countBetween(chatJid: string, after: number, before: number): number {
    return this.#between.get({ jid: chatJid, after, before })?.count ?? 0;
  }
}
