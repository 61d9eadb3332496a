import {
  DEFAULT_CONNECTION_CONFIG,
  type SignalDataSet,
  type SignalKeyStore,
  type SignalKeyStoreWithTransaction,
  type SocketConfig,
} from '@whiskeysockets/baileys';
import type Database from 'better-sqlite3';
import type { Plaintexts } from './plaintexts.ts';

/** What must be on disk before a message leaves: set back, these make the next message undecryptable. */
const RATCHETS = ['session', 'sender-key'] as const;

export interface SignalRepositoryOptions {
  /** The store below Baileys' transactions. */
  readonly store: SignalKeyStore;
  /** Outlives the socket. */
  readonly plaintexts: Plaintexts;
  /** Called when something is about to be encrypted, in the asynchronous context of the send. */
  readonly onEncrypt: () => void;
}

/**
 * Baileys' Signal repository, but every step of a ratchet is on disk as soon as it is made.
 *
 * Baileys encrypts and writes to the network inside one transaction of its own, whose changes reach the store only
 * afterwards: a crash in between would bring the old ratchet back. So these changes are written twice, first through
 * to the store, then once more, unchanged, when Baileys commits.
 *
 * For decryption it is the other way round: its step must not be on disk before its text is, so it waits for Baileys'
 * commit, which brings the text along. What was decrypted before is not decrypted again, which could only fail.
 */
export function durableSignalRepository(
  options: SignalRepositoryOptions,
): SocketConfig['makeSignalRepository'] {
  const { plaintexts, onEncrypt } = options;
  return (auth, logger, pnToLid) => {
    const inTransaction = transactionOf(auth.keys);
    const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(
      { creds: auth.creds, keys: writeThrough(auth.keys, options) },
      logger,
      pnToLid,
    );
    const { encryptMessage, encryptGroupMessage, decryptMessage, decryptGroupMessage } = repository;
    repository.encryptMessage = (message) => {
      onEncrypt();
      return encryptMessage(message);
    };
    repository.encryptGroupMessage = (message) => {
      onEncrypt();
      return encryptGroupMessage(message);
    };
    repository.decryptMessage = (message) =>
      plaintexts.of(message.ciphertext, inTransaction(message.jid), () => decryptMessage(message));
    repository.decryptGroupMessage = (message) =>
      plaintexts.of(message.msg, inTransaction(message.group), () => decryptGroupMessage(message));
    return repository;
  };
}

/** A transaction of the keys, under the lock that Baileys itself takes for this chat; its own joins it. */
function transactionOf(
  keys: SignalKeyStore | SignalKeyStoreWithTransaction,
): (lock: string) => (work: () => Promise<Uint8Array>) => Promise<Uint8Array> {
  return (lock) => (work) => ('transaction' in keys ? keys.transaction(work, lock) : work());
}

function writeThrough(
  keys: SignalKeyStore | SignalKeyStoreWithTransaction,
  { store, plaintexts }: SignalRepositoryOptions,
): SignalKeyStore | SignalKeyStoreWithTransaction {
  if (!('isInTransaction' in keys)) return keys;
  return {
    ...keys,
    async set(data) {
      await keys.set(data);
      if (!keys.isInTransaction() || plaintexts.isDecrypting) return;
      const ratchets: SignalDataSet = {};
      for (const type of RATCHETS) {
        const entries = data[type];
        if (entries !== undefined) ratchets[type] = entries;
      }
      if (Object.keys(ratchets).length > 0) await store.set(ratchets);
    },
  };
}

/** The key store of a line: what is decrypted is committed together with the keys that this used up. */
export function keysWithTexts(
  { keys, database }: { readonly keys: SignalKeyStore; readonly database: Database.Database },
  plaintexts: Plaintexts,
): SignalKeyStore {
  return {
    get: (type, ids) => keys.get(type, ids),
    set: (data) => {
      if (!database.open) return;
      database.transaction(() => {
        plaintexts.writeWith();
        void keys.set(data);
      })();
    },
  };
}
