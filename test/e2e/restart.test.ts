import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';

describe('a host that is stopped and started again', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'keeps its pairing, its session and its tasks after %s',
    async (how) => {
      const house = await House.start();
      await house.say('@Andy echo remember this line');
      await house.answer(/remember this line/);
      await house.say('@Andy remind me in 6 seconds to water the plants');
      await house.answer(/I will remind you/);
      const pairings = house.pairings;
      await house.restart(how);
      expect(house.pairings).toBe(pairings);
      await house.say('@Andy what did I say before?');
      await house.answer(/you said/);
      await house.answer(/water the plants/);
      const sessions = new Set(
        house
          .log()
          .flatMap((line) => (line.includes('Session initialized') ? [line.split(/\s+/).at(-1)] : [])),
      );
      expect(house.query<{ status: string }>('SELECT status FROM scheduled_tasks')).toEqual([
        { status: 'completed' },
      ]);
      expect(sessions.size).toBeLessThanOrEqual(2);
      expect(house.said().filter((text) => /^Hello/.test(text))).toHaveLength(1);
    },
  );

  it('answers what was written while it was down, in order, and nothing twice', async () => {
    const house = await House.start();
    await house.end('SIGTERM');
    await house.say('@Andy echo first');
    await house.say('nobody called');
    await house.begin();
    await house.answer(/first/);
    await house.say('@Andy ping');
    await house.answer(/pong/);
    expect(house.said()).toEqual([expect.stringMatching(/^Hello/), 'first', 'pong']);
  });

  it('answers once after the next start when it was killed in the middle of a turn', async () => {
    const house = await House.start();
    await house.say('@Andy sleep 3');
    await house.logged(/Container arguments/);
    await house.restart('SIGKILL');
    await house.answer(/slept/);
    await house.logged(/Turn done/);
    expect(house.said().filter((text) => /slept/.test(text))).toHaveLength(1);
    expect(house.query('SELECT status FROM runs ORDER BY seq')).toEqual([
      { status: 'interrupted' },
      { status: 'succeeded' },
    ]);
  });

  it('refuses to run twice on one root and names the holder', async () => {
    const house = await House.start();
    const first = house.host;
    await expect(house.begin()).rejects.toThrow(/Another NanoClaw \(process \d+\) already runs/);
    house.host = first;
    await house.say('@Andy ping');
    await house.answer(/pong/);
  });
});

describe('a connection that drops', () => {
  it('is restored by itself, and waiting messages are sent then', async () => {
    const house = await House.start();
    await house.say('@Andy sleep 1');
    await house.logged(/Container arguments/);
    house.simulator.faults.dropConnections();
    await house.answer(/slept/);
    // Whatever is said again would stand before the next answer.
    await house.idle();
    await house.say('@Andy ping');
    await house.answer(/pong/);
    expect(house.said().filter((text) => /slept/.test(text))).toHaveLength(1);
  });
});
