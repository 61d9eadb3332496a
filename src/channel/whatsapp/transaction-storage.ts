import { AsyncLocalStorage } from 'node:async_hooks';
import type { SignalKeyStoreWithTransaction } from '@whiskeysockets/baileys';

/**
 * Lets a socket's key store take part in the process's asynchronous contexts only while one of its transactions is under
 * way. Call it once for each store.
 *
 * Baileys 7.0.0-rc14 makes an `AsyncLocalStorage` for every socket and never disables it. Up to Node 22 each one that was used
 * is visited at every promise of the process from then on, for ever: after 1,000 reconnects an `await` took a thousand
 * times as long.
 */
export function releaseTransactionStorage({
  isInTransaction,
}: Pick<SignalKeyStoreWithTransaction, 'isInTransaction'>): void {
  const storage = storageAskedBy(isInTransaction);
  if (storage === undefined) return;
  const run = storage.run.bind(storage);
  let underWay = 0;
  const counted = async (store: unknown, work: () => unknown): Promise<unknown> => {
    underWay += 1;
    try {
      return await run(store, work);
    } finally {
      underWay -= 1;
      // Not before: work inside of a transaction would take itself to be outside, and wait for its own lock.
      if (underWay === 0) storage.disable();
    }
  };
  Reflect.set(storage, 'run', counted);
}

/** Baileys keeps the storage to itself, but this question of it goes to the storage. */
function storageAskedBy(ask: () => boolean): AsyncLocalStorage<unknown> | undefined {
  const { prototype } = AsyncLocalStorage;
  const { getStore } = prototype;
  let asked: AsyncLocalStorage<unknown> | undefined;
  prototype.getStore = function (this: AsyncLocalStorage<unknown>) {
    asked = this;
    return getStore.call(this);
  };
  try {
    ask();
  } finally {
    prototype.getStore = getStore;
  }
  return asked;
}
