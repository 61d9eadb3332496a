import type Database from 'better-sqlite3';
import { type Clock, HOUR } from '../../clock.ts';

/** Longer than a message waits to be sent again. */
const KEPT_MS = 14 * 24 * HOUR;

/**
 * The address to which each direct message was sent first. A phone takes a message with the same id under another
 * address for another message, and a LID may become known between two sends.
 */
export class Addresses {
  readonly #database: Database.Database;
  readonly #clock: Clock;

  constructor(database: Database.Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** The address of the first send under that id; undefined: there was none. */
  find(wireId: string): string | undefined {
    if (!this.#database.open) return undefined;
    return this.#database
      .prepare<[string], { address: string }>('SELECT address FROM addresses WHERE wire_id = ?')
      .get(wireId)?.address;
  }

  /** To be called before anything of the first send leaves. After the store was closed nothing is written. */
  save(wireId: string, address: string): void {
    if (!this.#database.open) return;
    const now = this.#clock.now();
    this.#database.prepare('DELETE FROM addresses WHERE at < ?').run(now - KEPT_MS);
    this.#database
      .prepare('INSERT OR IGNORE INTO addresses (wire_id, address, at) VALUES (?, ?, ?)')
      .run(wireId, address, now);
  }
}
