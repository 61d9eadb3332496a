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
      expect(house.said().filter((text) => /^Hello/.test(text))).toEqual([]);
    },
  );

  it('refuses to run twice on one root and names the holder', async () => {
    const house = await House.start();
    await expect(house.begin()).rejects.toThrow(/Another NanoClaw \(process \d+\) already runs/);
    // The first one goes on.
    await house.say('@Andy ping');
    await house.answer(/pong/);
  });
});
