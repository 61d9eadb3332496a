import { type AuthenticationCreds, initAuthCreds, type SignalKeyStore } from '@whiskeysockets/baileys';
import type Database from 'better-sqlite3';
import { decodeCreds, encodeValue } from './credentials-codec.ts';
import { openCredentialsDatabase } from './credentials-database.ts';
import { ACCOUNT_TABLES } from './credentials-schema.ts';
import { bareUser } from './jid.ts';
import { SignalKeys } from './signal-keys.ts';

/** How many unlinked accounts are kept. */
const ASIDE_KEPT = 3;

/**
 * The account and its keys, in one SQLite database. The `creds` object is the one that Baileys changes in place:
 * `save` writes it as it is then. After `close` writes are dropped, for a socket that is ending may still try some.
 */
export class CredentialsStore {
  readonly keys: SignalKeyStore;
  /** For the journal, whose rows are committed together with keys. */
  readonly database: Database.Database;
  #creds: AuthenticationCreds;

  /**
   * Opens the store; an unfinished pairing found in it is wiped.
   * @throws {CredentialsDatabaseError} the database is damaged or not accessible
   * @throws {CredentialsUnreadableError} the account's row does not parse; nothing was changed
   */
  static open(file: string): CredentialsStore {
    const database = openCredentialsDatabase(file);
    try {
      return new CredentialsStore(file, database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  private constructor(file: string, database: Database.Database) {
    this.database = database;
    this.keys = new SignalKeys(file, database);
    const row = database.prepare<[], { value: string }>('SELECT value FROM creds WHERE id = 1').get();
    this.#creds = row === undefined ? initAuthCreds() : decodeCreds(file, row.value);
    if (row !== undefined) this.discardUnpaired();
  }

  get creds(): AuthenticationCreds {
    return this.#creds;
  }

  /** `registered` stays false after a QR: an account is what the phone has signed. */
  get paired(): boolean {
    return isPaired(this.#creds);
  }

  /** Writes the account. `creds` other than the present ones belong to a replaced socket: they are not written. */
  save(creds: AuthenticationCreds): void {
    if (creds !== this.#creds || !this.database.open) return;
    this.database
      .prepare(
        'INSERT INTO creds (id, value) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value',
      )
      .run(encodeValue(creds));
  }

  /** Forgets a pairing that nobody finished, so that the next start does not log in with half an account. */
  discardUnpaired(): void {
    if (!this.paired) this.#startOver();
  }

  /**
   * Keeps the present account and its keys aside and begins a new one.
   * @param at when, in milliseconds since the epoch
   */
  layAside(at: number): void {
    this.database.transaction(() => {
      this.database.prepare('INSERT OR REPLACE INTO aside_creds SELECT ?, value FROM creds').run(at);
      this.database.prepare('INSERT OR REPLACE INTO aside_keys SELECT ?, type, id, value FROM keys').run(at);
      for (const table of ['aside_keys', 'aside_creds']) {
        this.database
          .prepare(
            `DELETE FROM ${table} WHERE at NOT IN (SELECT at FROM aside_creds ORDER BY at DESC LIMIT ${ASIDE_KEPT})`,
          )
          .run();
      }
      this.#startOver();
    })();
  }

  /** Drops what this device says next by, and the journal: for an older copy of an account. */
  beginAnew(): void {
    const { me } = this.#creds;
    const own = new Set([me?.id, me?.lid].flatMap((jid) => (jid === undefined ? [] : [bareUser(jid)])));
    const { database } = this;
    database.transaction(() => {
      database.exec(`
        DELETE FROM keys WHERE type IN ('session', 'sender-key-memory');
        DELETE FROM stanzas;
        UPDATE plaintexts SET value = NULL`);
      const keys = database
        .prepare<[], { id: string }>("SELECT id FROM keys WHERE type = 'sender-key'")
        .all();
      const remove = database.prepare("DELETE FROM keys WHERE type = 'sender-key' AND id = ?");
      for (const { id } of keys) {
        const sender = senderOf(id);
        if (sender !== undefined && own.has(sender)) remove.run(id);
      }
    })();
  }

  /** Whether the owner was told of this pairing. Durable, and gone with the account. */
  get greeted(): boolean {
    return this.database.prepare("SELECT 1 FROM flags WHERE name = 'greeted'").get() !== undefined;
  }

  markGreeted(): void {
    this.database.prepare("INSERT OR REPLACE INTO flags VALUES ('greeted', '1')").run();
  }

  /** The phone number (without a server part) of a LID user, if it was ever learnt. */
  numberOf(lid: string): string | undefined {
    if (!this.database.open) return undefined;
    const own = this.learntNumber(lid);
    if (own !== undefined) return own;
    return this.#mappedTo(`${lid}_reverse`);
  }

  /** The LID user of a phone number, if it was ever learnt. */
  lidOf(number: string): string | undefined {
    if (!this.database.open) return undefined;
    const mapped = this.#mappedTo(number);
    if (mapped !== undefined) return mapped;
    return this.database
      .prepare<[string], { lid: string }>('SELECT lid FROM numbers WHERE number = ?')
      .get(number)?.lid;
  }

  learntNumber(lid: string): string | undefined {
    if (!this.database.open) return undefined;
    return this.database
      .prepare<[string], { number: string }>('SELECT number FROM numbers WHERE lid = ?')
      .get(lid)?.number;
  }

  learnNumber(lid: string, number: string): void {
    if (!this.database.open) return;
    this.database.prepare('INSERT OR REPLACE INTO numbers (lid, number) VALUES (?, ?)').run(lid, number);
  }

  close(): void {
    this.database.close();
  }

  /** Baileys' own mapping, both ways, written as it meets people. */
  #mappedTo(id: string): string | undefined {
    const row = this.database
      .prepare<[string], { value: string }>("SELECT value FROM keys WHERE type = 'lid-mapping' AND id = ?")
      .get(id);
    const user: unknown = row === undefined ? undefined : JSON.parse(row.value);
    return typeof user === 'string' ? user : undefined;
  }

  #startOver(): void {
    this.database.transaction(() => {
      for (const table of ACCOUNT_TABLES) {
        this.database.prepare(`DELETE FROM ${table}`).run();
      }
    })();
    this.#creds = initAuthCreds();
  }
}

/** Whether these credentials belong to an account that a phone has linked. */
export function isPaired(creds: AuthenticationCreds): boolean {
  return creds.me?.id !== undefined && creds.account !== undefined;
}

/** The user of a sender's key, whose id is `group::user::device`; where it is a LID the user bears a mark behind it. */
function senderOf(id: string): string | undefined {
  return id.split('::').at(-2)?.replace(/_\d+$/, '');
}
