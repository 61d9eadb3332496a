import { addTransactionCapability, type SignalKeyStore } from '@whiskeysockets/baileys';
import { expect, it } from 'vitest';
import { silentLog } from '../../../test/support/silent-log.ts';
import { storages } from './testing/held.ts';
import { releaseTransactionStorage } from './transaction-storage.ts';

const NOTHING: SignalKeyStore = { get: () => ({}), set: () => undefined };

function keysOf(store = NOTHING) {
  const keys = addTransactionCapability(store, silentLog, { maxCommitRetries: 1, delayBetweenTriesMs: 1 });
  releaseTransactionStorage(keys);
  return keys;
}

it('no promise of the process keeps the key stores of closed sockets', async () => {
  const before = await storages();
  for (let n = 0; n < 50; n += 1) {
    const keys = keysOf();
    await keys.transaction(async () => undefined, 'a chat');
    await expect(
      keys.transaction(async () => {
        throw new Error('the line closed');
      }, 'a chat'),
    ).rejects.toThrow('the line closed');
  }
  expect(await storages()).toBe(before);
});

it('the end of a transaction leaves another one of the same socket unchanged', async () => {
  const written: unknown[] = [];
  const keys = keysOf({ ...NOTHING, set: (data) => void written.push(data) });
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const long = keys.transaction(async () => {
    await keys.set({ session: { ann: Buffer.from('1') } });
    await held;
    expect(keys.isInTransaction()).toBe(true);
    // One inside of another does not wait for the lock that it has.
    await keys.transaction(async () => keys.set({ session: { bea: Buffer.from('2') } }), 'ann');
    expect(written).toEqual([]);
  }, 'ann');
  await keys.transaction(async () => undefined, 'carl');
  letGo();
  await long;
  expect(written).toEqual([{ session: { ann: Buffer.from('1'), bea: Buffer.from('2') } }]);
  expect(keys.isInTransaction()).toBe(false);
});
