import type { BinaryNode } from '@whiskeysockets/baileys';
import type Database from 'better-sqlite3';
import { type Clock, HOUR } from '../../clock.ts';
import type { Log } from '../../log.ts';
import { decodeValue, encodeValue } from './credentials-codec.ts';

/** A stanza whose message the core may not have. */
export interface JournalEntry {
  readonly seq: number;
  readonly message: string;
  /** As it came; undefined when its row does not parse. */
  readonly node: BinaryNode | undefined;
  /** How many starts have tried it before. */
  readonly tries: number;
}

/** What a ciphertext said; `settled`: the core is done with its message, and the text is gone. */
export type KnownPlaintext =
  | { readonly status: 'held'; readonly value: Uint8Array }
  | { readonly status: 'settled' };

/** Nobody waits for an older message any more. */
const OLDEST_MS = 14 * 24 * HOUR;
/** Beyond so many stanzas the core takes nothing at all: the oldest go, so many at once. */
const MOST_STANZAS = 5_000;
const DROPPED_AT_ONCE = 500;
/** Ciphertexts that are known again when the server brings them once more. */
const MOST_PLAINTEXTS = 10_000;
const ENTERED_BETWEEN_SWEEPS = 1_000;

/**
 * Every message from its arrival until the core has it, in the database of the credentials, so that a crash of the
 * process loses none. WhatsApp forgets a message when its receipt has come, Baileys sends the receipt before the app
 * is told, and a ciphertext can be decrypted once. So there are two tables:
 *
 * - `stanzas`: a message as it came, written before Baileys sees it, deleted when it is settled.
 * - `plaintexts`: what a ciphertext said, by the digest of message and ciphertext. It is written in the transaction
 *   that stores the ratchet's step (see plaintexts.ts). When the message is settled the text goes; the row stays a
 *   while, so that the server can bring the message again and get its receipt.
 *
 * A message is settled when the core has committed it, or by one of these rules: it is none for the core (no chat with
 * people, a protocol message, nothing to show), it could not be decrypted (Baileys asks for it again, and it comes as
 * a new stanza), it is two weeks old, or it is beyond the cap; the last two with a warning. A message of the account's
 * own devices to each other (category `peer`) has no row in `stanzas`: it is for Baileys alone. Its text is kept.
 *
 * The points at which the process can die, and what the next start does:
 *
 * 1. before the stanza's row: no receipt has left, and the server brings the message again.
 * 2. after it, before the ratchet's step is committed: neither step nor text exist. It is decrypted at the next start;
 *    the server, which has no receipt, brings it again too, and then it is known.
 * 3. after that commit, before the receipt: the text is there, the core gets it at the next start, and what the server
 *    brings again is known.
 * 4. after the receipt, before the core's commit: as 3, but that the server brings nothing. This was the loss.
 * 5. after the core's commit, before the row is deleted: the core gets it again and knows it by its id.
 *
 * Deletions wait for the next write or the next turn of the event loop, whichever comes first: point 5 covers them, and
 * a burst costs one commit a message less.
 */
export class Journal {
  readonly #database: Database.Database;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #open: Set<string>;
  readonly #settled: string[] = [];
  #flushing: NodeJS.Immediate | undefined;
  #entered = 0;

  constructor(database: Database.Database, clock: Clock, log: Log) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
    this.#sweep();
    const rows = database.prepare<[], { message: string }>('SELECT DISTINCT message FROM stanzas').all();
    this.#open = new Set(rows.map(({ message }) => message));
  }

  /** A stanza has arrived. Throws SQLite's error when it cannot be written: it must not be handled then. */
  enter(message: string, digest: Buffer, node: BinaryNode): void {
    if (!this.#database.open) return;
    this.#database.transaction(() => {
      this.#deleteSettled();
      this.#database
        .prepare('INSERT OR IGNORE INTO stanzas (message, digest, node, at) VALUES (?, ?, ?, ?)')
        .run(message, digest, encodeValue(node), this.#clock.now());
    })();
    this.#settled.length = 0;
    this.#open.add(message);
    this.#entered += 1;
    if (this.#entered % ENTERED_BETWEEN_SWEEPS === 0) this.#sweep();
    if (this.#open.size > MOST_STANZAS) this.#dropOldest();
  }

  /** What this ciphertext said when it was decrypted; undefined: it was not. */
  plaintext(digest: Buffer): KnownPlaintext | undefined {
    if (!this.#database.open) return undefined;
    const row = this.#database
      .prepare<[Buffer], { value: Buffer | null }>('SELECT value FROM plaintexts WHERE digest = ?')
      .get(digest);
    if (row === undefined) return undefined;
    return row.value === null ? { status: 'settled' } : { status: 'held', value: row.value };
  }

  /** To be called in the transaction that stores the ratchet's step. */
  keepPlaintext(digest: Buffer, message: string, value: Uint8Array): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO plaintexts (digest, message, value, at) VALUES (?, ?, ?, ?)')
      .run(digest, message, value, this.#clock.now());
  }

  /** The core has the message, or never will. */
  settle(message: string): void {
    if (!this.#open.delete(message)) return;
    this.#settled.push(message);
    this.#flushing ??= setImmediate(() => this.flush());
  }

  /** Deletes what is settled. */
  flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (!this.#database.open || this.#settled.length === 0) return;
    try {
      this.#database.transaction(() => this.#deleteSettled())();
      this.#settled.length = 0;
    } catch (error) {
      // They are deleted with the next write; until then the core knows them by their ids.
      this.#log.warn({ err: error }, 'Messages that the core has could not be deleted from the journal yet');
    }
  }

  /** What is not settled, in the order of arrival. */
  entries(): readonly JournalEntry[] {
    const rows = this.#database
      .prepare<[], { seq: number; message: string; node: string; tries: number }>(
        'SELECT seq, message, node, tries FROM stanzas ORDER BY seq',
      )
      .all();
    return rows.map((row) => ({ ...row, node: nodeIn(row.node) }));
  }

  /** A start is about to try this entry. */
  countTry(seq: number): void {
    this.#database.prepare('UPDATE stanzas SET tries = tries + 1 WHERE seq = ?').run(seq);
  }

  /** A try that says nothing of the entry. */
  discountTry(seq: number): void {
    this.#database.prepare('UPDATE stanzas SET tries = tries - 1 WHERE seq = ?').run(seq);
  }

  /** The account that all this belonged to has gone. */
  forget(): void {
    this.#open.clear();
    this.#settled.length = 0;
  }

  #deleteSettled(): void {
    const stanza = this.#database.prepare('DELETE FROM stanzas WHERE message = ?');
    const text = this.#database.prepare(
      'UPDATE plaintexts SET value = NULL WHERE message = ? AND value IS NOT NULL',
    );
    for (const message of this.#settled) {
      stanza.run(message);
      text.run(message);
    }
  }

  #sweep(): void {
    const oldest = this.#clock.now() - OLDEST_MS;
    const { changes } = this.#database.prepare('DELETE FROM stanzas WHERE at < ?').run(oldest);
    if (changes > 0)
      this.#log.warn({ messages: changes }, 'Messages that the core did not take in two weeks were dropped');
    this.#database
      .prepare('DELETE FROM plaintexts WHERE at < ? OR rowid <= (SELECT MAX(rowid) FROM plaintexts) - ?')
      .run(oldest, MOST_PLAINTEXTS);
  }

  #dropOldest(): void {
    const rows = this.#database
      .prepare<[number], { message: string }>('SELECT message FROM stanzas ORDER BY seq LIMIT ?')
      .all(DROPPED_AT_ONCE);
    for (const { message } of rows) this.settle(message);
    this.flush();
    this.#log.warn(
      { messages: rows.length, kept: MOST_STANZAS - DROPPED_AT_ONCE },
      'The oldest messages that the core does not take were dropped',
    );
  }
}

function nodeIn(text: string): BinaryNode | undefined {
  try {
    return decodeValue(text) as BinaryNode;
  } catch {
    return undefined;
  }
}
