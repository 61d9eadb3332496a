import type { AttachmentKind, InboundAttachment, InboundMessage } from '../channel/channel.ts';
import { MINUTE, parseInstant } from '../clock.ts';
import type { Database } from './database.ts';

/**
 * A file that came with a message, and how far it came.
 * - `waiting`: its message is stored, its file is not whole yet. `file` may name already where it will lie: a crash between the file and
 *   the row leaves something there that the next try replaces. Exits: `saved`, `failed` (given up), and back here after a pause.
 * - `saved`: the file lies below `data/attachments`. Exit: `removed`, when it was kept long enough.
 * - `failed` and `removed` are final.
 * After a crash what waits is simply tried again.
 */
export type AttachmentStatus = 'waiting' | 'saved' | 'failed' | 'removed';

export interface StoredAttachment {
  readonly seq: number;
  readonly messageSeq: number;
  readonly chatJid: string;
  readonly kind: AttachmentKind;
  /** Claimed by the sender; once it is saved, what the bytes are. */
  readonly mimeType: string | null;
  /** Claimed by the sender. */
  readonly fileName: string | null;
  /** Claimed by the sender; once it is saved, how many there are. */
  readonly bytes: number | null;
  readonly seconds: number | null;
  readonly status: AttachmentStatus;
  readonly tries: number;
  /** Below `data/attachments`: the group's folder, a slash, the file's name. */
  readonly file: string | null;
  readonly transcript: string | null;
  /** In plain words. */
  readonly error: string | null;
}

/** One that is to be fetched. */
export interface WaitingAttachment extends StoredAttachment {
  readonly reference: string;
  /** Not to be tried before, in milliseconds since the epoch. */
  readonly notBefore: number;
  /** The folder of its group; null: its chat is not registered any more. */
  readonly folder: string | null;
  /** What calls the assistant in its group. */
  readonly trigger: string | null;
  /** Its message was taken back. */
  readonly isDeleted: number;
  /** Whose message it is, null without one. */
  readonly sender: string | null;
  readonly senderName: string | null;
  readonly isFromMe: number | null;
  /** ISO instant, as the platform says. */
  readonly saidAt: string | null;
}

/** One that lies on the disk. */
export interface KeptAttachment {
  readonly seq: number;
  readonly file: string;
  readonly bytes: number;
  /** ISO instant. */
  readonly settledAt: string;
  readonly isDeleted: number;
}

/** A turn waits at most this long for a file, counted from its message's coming. */
export const HOLD_MS = MINUTE;

const COLUMNS = `a.seq, a.message_seq AS messageSeq, a.chat_jid AS chatJid, a.kind, a.mime_type AS mimeType,
  a.file_name AS fileName, a.bytes, a.seconds, a.status, a.tries, a.file, a.transcript, a.error`;

/** The files of messages, in the order in which they came. */
export class Attachments {
  readonly #db: Database;
  readonly #insert;
  readonly #ofMessages;
  readonly #waiting;
  readonly #holds;
  readonly #plan;
  readonly #again;
  readonly #putOff;
  readonly #settle;
  readonly #kept;
  readonly #giveUpWaiting;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.sql.prepare(`
      INSERT INTO attachments (message_seq, chat_jid, kind, mime_type, file_name, bytes, seconds, reference, status, created_at)
      SELECT seq, chat_jid, @kind, @mimeType, @fileName, @bytes, @seconds, @reference, 'waiting', @at
      FROM messages WHERE chat_jid = @chatJid AND sender = @sender AND id = @id`);
    this.#ofMessages = db.sql.prepare<[string], StoredAttachment>(`
      SELECT ${COLUMNS} FROM attachments a JOIN messages m ON m.seq = a.message_seq
      WHERE a.message_seq IN (SELECT value FROM json_each(?)) AND m.deleted_at IS NULL ORDER BY a.seq`);
    this.#waiting = db.sql.prepare<[], WaitingAttachment>(`
      SELECT ${COLUMNS}, a.reference, a.not_before AS notBefore, g.folder, g.trigger_pattern AS trigger,
        COALESCE(m.deleted_at IS NOT NULL, 1) AS isDeleted, m.sender, COALESCE(m.sender_name, m.sender) AS senderName,
        m.is_from_me AS isFromMe, m.timestamp AS saidAt
      FROM (SELECT seq, ROW_NUMBER() OVER (PARTITION BY chat_jid ORDER BY message_seq, seq) AS place
          FROM attachments WHERE status = 'waiting') AS queue
        JOIN attachments a ON a.seq = queue.seq
        LEFT JOIN registered_groups g ON g.jid = a.chat_jid LEFT JOIN messages m ON m.seq = a.message_seq
      ORDER BY queue.place, a.seq LIMIT 1000`);
    this.#holds = db.sql.prepare<
      { jid: string; after: number; first: number; latest: string },
      { before: string | null; behind: string | null }
    >(`
      SELECT before, CASE WHEN waitsBehind THEN (SELECT MIN(created_at) FROM attachments INDEXED BY attachments_by_chat
          WHERE chat_jid = @jid AND message_seq > @first AND created_at <= @latest) END AS behind
      FROM (SELECT MAX(CASE WHEN message_seq <= @first THEN created_at END) AS before,
          MAX(message_seq > @first) AS waitsBehind
        FROM attachments INDEXED BY attachments_waiting
        WHERE chat_jid = @jid AND message_seq > @after AND status = 'waiting' AND created_at <= @latest)`);
    this.#plan = db.sql.prepare("UPDATE attachments SET file = ? WHERE seq = ? AND status = 'waiting'");
    this.#again = db.sql.prepare(
      "UPDATE attachments SET tries = tries + 1, not_before = ?, error = ? WHERE seq = ? AND status = 'waiting'",
    );
    this.#putOff = db.sql.prepare(
      "UPDATE attachments SET not_before = ?, error = ? WHERE seq = ? AND status = 'waiting'",
    );
    this.#settle = db.sql.prepare(`
      UPDATE attachments SET status = @status, file = COALESCE(@file, file), mime_type = COALESCE(@mimeType, mime_type),
        bytes = COALESCE(@bytes, bytes), error = @error, settled_at = @at,
        transcript = CASE WHEN (SELECT m.deleted_at FROM messages m WHERE m.seq = attachments.message_seq) IS NULL
          THEN @transcript END
      WHERE seq = @seq`);
    this.#giveUpWaiting = db.sql.prepare<{ error: string; at: string }>(
      "UPDATE attachments SET status = 'failed', error = @error, settled_at = @at WHERE status = 'waiting'",
    );
    this.#kept = db.sql.prepare<[], KeptAttachment>(`
      SELECT a.seq, a.file, COALESCE(a.bytes, 0) AS bytes, a.settled_at AS settledAt,
        COALESCE(m.deleted_at IS NOT NULL, 0) AS isDeleted
      FROM attachments a LEFT JOIN messages m ON m.seq = a.message_seq
      WHERE a.status = 'saved' AND a.file IS NOT NULL ORDER BY a.seq`);
  }

  /** Adds the files of a message that was stored just before, in the same transaction. @param now milliseconds since the epoch */
  add(
    message: Pick<InboundMessage, 'chatJid' | 'senderJid' | 'id'>,
    attachments: readonly InboundAttachment[],
    now: number,
  ): void {
    for (const attachment of attachments) {
      this.#insert.run({
        chatJid: message.chatJid,
        sender: message.senderJid,
        id: message.id,
        kind: attachment.kind,
        mimeType: attachment.mimeType ?? null,
        fileName: attachment.fileName ?? null,
        bytes: attachment.bytes ?? null,
        seconds: attachment.seconds ?? null,
        reference: attachment.reference,
        at: new Date(now).toISOString(),
      });
    }
    if (attachments.length > 0) this.#db.ring('attachments');
  }

  /** Those of some messages, without those of messages that were taken back. */
  ofMessages(messageSeqs: readonly number[]): readonly StoredAttachment[] {
    return this.#ofMessages.all(JSON.stringify(messageSeqs));
  }

  /** What is to be fetched: the oldest of every chat, then every chat's next. A flood in one of them hides no other. */
  waiting(): readonly WaitingAttachment[] {
    return this.#waiting.all();
  }

  /**
   * Until when a turn waits for the files of the messages that it would take: each has its time from its coming on; what comes behind
   * the message that calls has no more than the first of it, or a turn might never begin.
   * @param after the last message that was answered or given to an agent
   * @param firstSeq the message that calls
   * @param now milliseconds since the epoch
   * @returns milliseconds since the epoch; undefined: nothing is waited for
   */
  heldUntil(chatJid: string, after: number, firstSeq: number, now: number): number | undefined {
    // What came later than this came before the clock was set back: its time has no end that can be told.
    const latest = new Date(now + HOLD_MS).toISOString();
    const found = this.#holds.get({ jid: chatJid, after, first: firstSeq, latest });
    const since = [found?.before, found?.behind].flatMap((at) => (at == null ? [] : [parseInstant(at)]));
    return since.length === 0 ? undefined : Math.max(...since) + HOLD_MS;
  }

  /** Where the file will lie. Committed before it is put there, so that a crash leaves nothing that nobody knows of. */
  plan(seq: number, file: string): void {
    this.#plan.run(file, seq);
  }

  /** A try failed; there will be another. @param notBefore milliseconds since the epoch */
  tryAgain(seq: number, notBefore: number, error: string): void {
    this.#again.run(notBefore, error, seq);
    this.#db.ring('attachments');
  }

  /** As `tryAgain`, for a try that does not count. */
  putOff(seq: number, notBefore: number, error: string): void {
    this.#putOff.run(notBefore, error, seq);
    this.#db.ring('attachments');
  }

  /** The file is there. */
  saved(
    { seq }: Pick<StoredAttachment, 'seq'>,
    found: {
      readonly file: string;
      readonly mimeType: string;
      readonly bytes: number;
      readonly transcript?: string | undefined;
      readonly error?: string | undefined;
    },
    now: number,
  ): void {
    const { file, mimeType, bytes, transcript, error } = found;
    this.#settleAs('saved', seq, now, { file, mimeType, bytes, transcript, error });
  }

  /** @param error in plain words */
  failed(seq: number, error: string, now: number): void {
    this.#settleAs('failed', seq, now, { error });
  }

  /** None that waits is fetched any more. @param error in plain words. @returns how many there were */
  giveUpWaiting(error: string, now: number): number {
    return this.#giveUpWaiting.run({ error, at: new Date(now).toISOString() }).changes;
  }

  /** Its file is not kept any more. @param error why, in plain words */
  removed(seq: number, error: string, now: number): void {
    this.#settleAs('removed', seq, now, { error });
  }

  /** What lies on the disk, the oldest first. */
  kept(): readonly KeptAttachment[] {
    return this.#kept.all();
  }

  #settleAs(
    status: AttachmentStatus,
    seq: number,
    now: number,
    found: {
      readonly file?: string;
      readonly mimeType?: string;
      readonly bytes?: number;
      readonly transcript?: string | undefined;
      readonly error?: string | undefined;
    },
  ): void {
    this.#settle.run({
      seq,
      status,
      file: found.file ?? null,
      mimeType: found.mimeType ?? null,
      bytes: found.bytes ?? null,
      transcript: found.transcript ?? null,
      error: found.error ?? null,
      at: new Date(now).toISOString(),
    });
    this.#db.ring('attachments');
  }
}
