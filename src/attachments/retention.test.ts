import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, newMessage, testStore } from '../../test/support/test-store.ts';
import { type Clock, HOUR } from '../clock.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { Retention } from './retention.ts';

const DAY = 24 * HOUR;

/** Files of 10 bytes, one saved each day from the epoch on. */
function rig(files: number, change: { days?: number; maxTotalBytes?: number; clock?: Clock } = {}) {
  const store = testStore();
  store.groups.add(FAMILY, 0);
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'family'));
  for (let n = 1; n <= files; n++) {
    const id = `M${n}`;
    store.messages.add(newMessage({ id, chatJid: FAMILY.jid, sender: 'bob' }));
    store.attachments.add(
      { chatJid: FAMILY.jid, senderJid: 'bob', id },
      [{ kind: 'image', reference: 'r' }],
      0,
    );
    const file = `family/${n}.png`;
    writeFileSync(join(directory, file), '0123456789');
    const found = { file, mimeType: 'image/png', bytes: 10 };
    store.attachments.saved(store.attachments.waiting()[0]!, found, (n - 1) * DAY);
  }
  const retention = new Retention({
    store,
    directory,
    days: 30,
    maxTotalBytes: 1_000_000,
    clock: { now: () => 0 },
    log: silentLog,
    timings: DEFAULT_TIMINGS,
    ...change,
  });
  onTestFinished(() => retention.stop());
  const left = (): readonly number[] =>
    Array.from({ length: files }, (_, i) => i + 1).filter((n) =>
      existsSync(join(directory, `family/${n}.png`)),
    );
  return { store, retention, left };
}

describe('files', () => {
  it('are deleted after the configured number of days, and their rows say so', async () => {
    const { store, retention, left } = rig(3);
    await retention.sweep(31 * DAY);
    expect(left()).toEqual([2, 3]);
    expect(store.attachments.ofMessages([1])[0]).toMatchObject({
      status: 'removed',
      error: 'files are kept for 30 days',
    });
  });

  it('are kept for ever where that is configured', async () => {
    const { retention, left } = rig(2, { days: 0 });
    await retention.sweep(10_000 * DAY);
    expect(left()).toEqual([1, 2]);
  });

  it('make room for newer ones, the oldest first', async () => {
    const { retention, left } = rig(4, { maxTotalBytes: 25 });
    await retention.sweep(4 * DAY);
    expect(left()).toEqual([3, 4]);
  });

  it('are not deleted in a chat with few files to make room for those of a flooded chat', async () => {
    const { store, retention, left } = rig(2, { maxTotalBytes: 40 });
    store.messages.add(newMessage({ id: 'O', chatJid: 'other', sender: 'eve' }));
    const flood = Array.from({ length: 3 }, () => ({ kind: 'image', reference: 'r' }) as const);
    store.attachments.add({ chatJid: 'other', senderJid: 'eve', id: 'O' }, flood, 0);
    for (const seq of [3, 4, 5]) {
      const found = { file: `other/${seq}.png`, mimeType: 'image/png', bytes: 10 };
      store.attachments.saved({ seq }, found, 2 * DAY);
    }
    await retention.sweep(2 * DAY);
    expect(left()).toEqual([1, 2]);
    expect(store.attachments.kept().map(({ seq }) => seq)).toEqual([1, 2, 4, 5]);
  });

  it('are checked once for a burst of new ones, and once more for those that came meanwhile', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { store, retention } = rig(1, { days: 0, clock: { now: () => Date.now() } });
    const looks = vi.spyOn(store.attachments, 'kept');
    for (let n = 0; n < 100; n++) retention.wake();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveBeenCalledTimes(2);
  });

  it('stay when their group is not registered any more', async () => {
    const { store, retention, left } = rig(1);
    store.groups.remove(FAMILY.jid);
    await retention.sweep(DAY);
    expect(left()).toEqual([1]);
  });

  it('are deleted with their message as soon as its deletion is known', async () => {
    const { store, retention, left } = rig(2);
    store.bells.on('attachments', () => retention.wake());
    store.messages.erase(FAMILY.jid, 'M1', 1, 0);
    await vi.waitFor(() => expect(left()).toEqual([2]));
    expect(store.attachments.ofMessages([1])).toEqual([]);
  });
});
