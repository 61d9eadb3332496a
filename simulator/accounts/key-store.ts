import type { SignalDataSet, SignalDataTypeMap, SignalKeyStore } from '@whiskeysockets/baileys';

type Types = keyof SignalDataTypeMap;

/** Signal keys in memory, one map for each type; a null value deletes. */
export class MemoryKeyStore implements SignalKeyStore {
  readonly #values = new Map<string, unknown>();

  /** Forgets all values of a type. */
  clear(type?: Types): void {
    for (const key of this.#values.keys()) if (!type || key.startsWith(`${type}/`)) this.#values.delete(key);
  }

  /** Everything, by type and id. */
  get all(): SignalDataSet {
    const all: Record<string, Record<string, unknown>> = {};
    for (const [key, value] of this.#values) {
      // An id may have slashes.
      const end = key.indexOf('/');
      const type = key.slice(0, end);
      all[type] = { ...all[type], [key.slice(end + 1)]: value };
    }
    return all;
  }

  get<T extends Types>(type: T, ids: string[]): { [id: string]: SignalDataTypeMap[T] } {
    const found: { [id: string]: SignalDataTypeMap[T] } = {};
    for (const id of ids) {
      const value = this.#values.get(`${type}/${id}`);
      // The value under this key was put there by `set` with the same type.
      if (value !== undefined) found[id] = value as SignalDataTypeMap[T];
    }
    return found;
  }

  set(data: SignalDataSet): void {
    for (const [type, entries] of Object.entries(data)) {
      for (const [id, value] of Object.entries(entries ?? {})) {
        if (value === null || value === undefined) this.#values.delete(`${type}/${id}`);
        else this.#values.set(`${type}/${id}`, value);
      }
    }
  }
}
