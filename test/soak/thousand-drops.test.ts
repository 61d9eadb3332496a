import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Simulator } from '../../simulator/simulator.ts';
import { held, storages } from '../../src/channel/whatsapp/testing/held.ts';
import { Rig } from '../../src/channel/whatsapp/testing/rig.ts';

const DROPS = 1_000;
/** After these the code is warm and what is made once has been made. */
const WARM_UP = 100;
/**
 * What the whole process, the server in it, may grow by for each drop: the keys that the server asks for at each login and
 * that both sides keep, 4 kB. What else a socket leaves behind must be gone.
 */
const MOST_BYTES_A_DROP = 12_000;
/** Baileys' own timers of a closed socket run out within a minute. */
const LEFT_BEHIND_MS = 70_000;

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }), {
    timings: { reconnectFirstMs: 1, reconnectMaxMs: 1 },
  });
  await rig.pair();
});

afterEach(async () => {
  await rig.close();
});

/** Bytes that are really in use. */
function usedHeap(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return getHeapStatistics().used_heap_size;
}

it(`an open connection that is dropped ${DROPS} times leaves one socket, one timer and little memory`, async () => {
  let most = 0;
  rig.server.on('connection', ({ count }) => {
    most = Math.max(most, count);
  });
  const drop = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n += 1) {
      const since = rig.listener.lines.length;
      expect(rig.server.faults.dropConnections()).toBe(1);
      await rig.listener.line('open', since);
    }
    // What the test itself has kept is no growth of the line's.
    for (const told of [rig.listener.lines, rig.listener.chats, rig.listener.accounts]) told.length = 0;
  };
  await drop(WARM_UP);
  const before = { ...held(), storages: await storages() };
  const heapBefore = usedHeap();
  await drop(DROPS - WARM_UP);
  const growth = usedHeap() - heapBefore;
  expect(most).toBe(1);
  expect(rig.server.connections()).toBe(1);
  await vi.waitFor(async () => {
    // The two ends of the one connection.
    expect(held().sockets).toBe(2);
    expect(held().timers).toBeLessThanOrEqual(before.timers);
    // One may be in use at either moment.
    expect(await storages()).toBeLessThanOrEqual(before.storages + 1);
  }, LEFT_BEHIND_MS);
  expect(growth / (DROPS - WARM_UP)).toBeLessThan(MOST_BYTES_A_DROP);
  await rig.server.say({ chat: rig.server.selfChat, text: 'still here' });
  await rig.listener.message('still here');
  expect(rig.listener.texts).toEqual(['still here']);
  expect(rig.server.problems).toEqual([]);
}, 300_000);
