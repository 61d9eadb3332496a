import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { held } from './testing/held.ts';
import { Rig } from './testing/rig.ts';

const DEAF_AFTER_MS = 50;
/** Below the half minute for which a polite close would wait. */
const WITHIN = { timeout: 20_000, interval: 5 };
/** Stands still unless a test moves it: however slow the machine is, nothing passes for a silence. */
const clock = { at: 0, now: () => clock.at };

let rig: Rig<Simulator>;

beforeEach(async () => {
  clock.at = Date.now();
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }), {
    clock,
    timings: { unresponsiveAfterMs: DEAF_AFTER_MS, closeTimeoutMs: 200 },
  });
  await rig.pair();
});

afterEach(async () => {
  await rig.close();
});

/** The server says nothing any more. What it said before has come when this resolves. */
async function deafen(options?: { wire: boolean }): Promise<void> {
  expect(rig.server.faults.deafen(options)).toBe(1);
  await rig.server.say({ chat: rig.server.selfChat, text: 'unheard' });
  await quiet();
}

/** Long enough for the line to look several times. */
const quiet = () => sleep(4 * DEAF_AFTER_MS);

/** The line was given up for the silence on it, and what was said into it comes by a new one. */
async function expectNewLine(since: number): Promise<void> {
  expect(rig.listener.lines[since]).toMatchObject({
    status: 'connecting',
    reason: expect.stringContaining('nothing has come from WhatsApp'),
  });
  await rig.listener.line('open', since);
  await rig.listener.message('unheard');
}

describe('a connection on which nothing arrives', () => {
  it('is reconnected when the server is unresponsive, and not before its time', async () => {
    const { server, listener } = rig;
    const since = listener.lines.length;
    await deafen();
    clock.at += DEAF_AFTER_MS - 1;
    await quiet();
    expect(listener.lines.slice(since)).toEqual([]);
    expect(listener.texts).toEqual([]);
    clock.at += 1;
    await listener.line('connecting', since);
    await expectNewLine(since);
    await vi.waitFor(() => expect(server.connections()).toBe(1), WITHIN);
  });

  it('is cut when its polite close hangs, because nothing reads it any more', async () => {
    const { server, listener } = rig;
    const before = held();
    const since = listener.lines.length;
    await deafen({ wire: true });
    // No new line by which the server would notice: it would end the old one itself.
    server.faults.refuseUpgrades();
    clock.at += DEAF_AFTER_MS;
    await listener.line('connecting', since);
    // The server's end is left. The client's would wait half a minute for an answer.
    await vi.waitFor(() => expect(held().sockets).toBeLessThan(before.sockets), WITHIN);
    server.faults.clear();
    await expectNewLine(since);
  });

  it('is left alone while something arrives, however late', async () => {
    const { server, listener } = rig;
    const since = listener.lines.length;
    for (let n = 0; n < 20; n += 1) {
      clock.at += DEAF_AFTER_MS - 1;
      await server.say({ chat: server.selfChat, text: `${n}` });
      await listener.message(`${n}`);
    }
    expect(listener.lines.slice(since)).toEqual([]);
  });
});

describe('a server that is unresponsive from the handshake on', () => {
  it('is given up by the watchdog, and the next attempt connects', async () => {
    await rig.channel.stop();
    rig.server.faults.deafen({ next: 1 });
    rig.make({ timings: { connectTimeoutMs: 1_000 } });
    await rig.channel.start();
    await rig.listener.line('open');
    expect(rig.listener.lines).toContainEqual({
      status: 'connecting',
      reason: expect.stringContaining('did not complete the connection within 1000 ms'),
    });
  });
});
