import {
  proto,
  type SignalDataSet,
  type SignalDataTypeMap,
  type SignalKeyStore,
} from '@whiskeysockets/baileys';
import type Database from 'better-sqlite3';
import { decodeValue, encodeValue } from './credentials-codec.ts';
import { CredentialsUnreadableError } from './errors.ts';

/** Signal's keys in SQLite, all ten types alike: one transaction per `set`, and null deletes. */
export class SignalKeys implements SignalKeyStore {
  readonly #file: string;
  readonly #database: Database.Database;

  constructor(file: string, database: Database.Database) {
    this.#file = file;
    this.#database = database;
  }

  /** @throws {CredentialsUnreadableError} a row does not parse */
  get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]): { [id: string]: SignalDataTypeMap[T] } {
    const found: { [id: string]: SignalDataTypeMap[T] } = {};
    if (!this.#database.open) return found;
    const select = this.#database.prepare<[string, string], { value: string }>(
      'SELECT value FROM keys WHERE type = ? AND id = ?',
    );
    for (const id of ids) {
      const row = select.get(type, id);
      if (row !== undefined) found[id] = this.#decode(type, id, row.value);
    }
    return found;
  }

  set(data: SignalDataSet): void {
    if (!this.#database.open) return;
    const put = this.#database.prepare<[string, string, string]>(
      'INSERT INTO keys (type, id, value) VALUES (?, ?, ?) ON CONFLICT (type, id) DO UPDATE SET value = excluded.value',
    );
    const remove = this.#database.prepare<[string, string]>('DELETE FROM keys WHERE type = ? AND id = ?');
    this.#database.transaction(() => {
      for (const [type, entries] of Object.entries(data)) {
        for (const [id, value] of Object.entries(entries ?? {})) {
          if (value === null || value === undefined) remove.run(type, id);
          else put.run(type, id, encodeValue(value));
        }
      }
    })();
  }

  #decode<T extends keyof SignalDataTypeMap>(type: T, id: string, text: string): SignalDataTypeMap[T] {
    let value: unknown;
    try {
      value = decodeValue(text);
    } catch (error) {
      throw new CredentialsUnreadableError(this.#file, `row keys ${type} ${id}`, error);
    }
    // Baileys hands this one to its protobuf code, which wants the message's class.
    if (type === 'app-state-sync-key') {
      value = proto.Message.AppStateSyncKeyData.fromObject(value as Record<string, unknown>);
    } else if (type === 'sender-key') {
      value = readableSenderKey(value);
    }
    return value as SignalDataTypeMap[T];
  }
}

/**
 * A sender key is JSON in bytes. Baileys (rc14) writes bytes in it as arrays of numbers, and reads them as base64: the
 * keys of skipped messages, which alone it does not convert, would decrypt nothing ("Expected Buffer instead of: Object").
 */
function readableSenderKey(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  try {
    return Buffer.from(encodeValue(decodeValue(Buffer.from(value).toString())));
  } catch {
    return value;
  }
}
