import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Simulator } from '../../simulator/simulator.ts';
import { held } from '../../src/channel/whatsapp/testing/held.ts';
import { Rig } from '../../src/channel/whatsapp/testing/rig.ts';

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

describe('a connection that is refused a thousand times', () => {
  it('ends as one connection, with no more sockets and timers than after a single drop', async () => {
    const drop = async (): Promise<void> => {
      const since = rig.listener.lines.length;
      rig.server.faults.dropConnections();
      await rig.listener.line('open', since);
    };
    await drop();
    const before = held();
    rig.server.faults.goOffline();
    const tries = () => rig.listener.lines.filter(({ status }) => status === 'connecting').length;
    await vi.waitUntil(() => tries() > 1_960, { timeout: 120_000, interval: 50 });
    rig.server.faults.comeBack();
    const since = rig.listener.lines.length;
    await rig.listener.line('open', since - 1);
    for (let n = 0; n < 20; n += 1) await drop();
    expect(rig.server.connections()).toBe(1);
    await vi.waitFor(() => {
      expect(held().sockets).toBeLessThanOrEqual(before.sockets);
      expect(held().timers).toBeLessThanOrEqual(before.timers + 1);
    }, LEFT_BEHIND_MS);
    await rig.server.say({ chat: rig.server.selfChat, text: 'still here' });
    await rig.listener.message('still here');
    expect(rig.listener.texts).toEqual(['still here']);
  }, 240_000);
});
