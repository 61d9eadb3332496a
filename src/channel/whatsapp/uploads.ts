import { proto } from '@whiskeysockets/baileys';
import type Database from 'better-sqlite3';
import { type Clock, HOUR } from '../../clock.ts';

/** WhatsApp keeps an uploaded file for about as long. */
const KEPT_MS = 14 * 24 * HOUR;

/**
 * Messages whose file is with WhatsApp already: sent again under the same id, or asked for by a device that could not read
 * them, they are the same to the last byte, and the file is not uploaded twice.
 */
export class Uploads {
  readonly #database: Database.Database;
  readonly #clock: Clock;

  constructor(database: Database.Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  find(wireId: string): proto.IMessage | undefined {
    if (!this.#database.open) return undefined;
    const row = this.#database
      .prepare<[string], { message: Buffer }>('SELECT message FROM uploads WHERE wire_id = ?')
      .get(wireId);
    return row && proto.Message.decode(row.message);
  }

  /** After the store was closed nothing is written: the upload belongs to a line that has gone. */
  save(wireId: string, message: proto.IMessage): void {
    if (!this.#database.open) return;
    const now = this.#clock.now();
    this.#database.prepare('DELETE FROM uploads WHERE at < ?').run(now - KEPT_MS);
    this.#database
      .prepare('INSERT OR REPLACE INTO uploads (wire_id, message, at) VALUES (?, ?, ?)')
      .run(wireId, proto.Message.encode(message).finish(), now);
  }
}
