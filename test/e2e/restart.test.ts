import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';

describe('a host that is stopped and started again', () => {
  it('keeps its pairing, its session and its tasks, whether it was stopped in order or killed', async () => {
    const house = await House.start();
    for (const how of ['SIGTERM', 'SIGKILL'] as const) {
      await house.say(`@Andy echo remember ${how}`);
      await house.answer(new RegExp(`remember ${how}`));
      await house.say(`@Andy remind me in 4 seconds of ${how}`);
      await house.answer(/I will remind you/);
      await house.idle();
      await house.restart(how);
      await house.say('@Andy what did I say before?');
      await house.answer(new RegExp(`you said: “remind me in 4 seconds of ${how}”`));
      await house.answer(new RegExp(`Reminder: ${how}`));
      await house.idle();
    }
    expect(house.pairings).toBe(0);
    const sessions = new Set(
      house.log().flatMap((line) => (line.includes('Session initialized') ? [line.split(/\s+/).at(-1)] : [])),
    );
    expect(sessions.size).toBe(1);
    expect(house.query('SELECT status FROM scheduled_tasks')).toEqual(Array(2).fill({ status: 'completed' }));
    expect(house.said().filter((text) => /^Reminder/.test(text))).toHaveLength(2);
    expect(house.said().filter((text) => /^Hello/.test(text))).toEqual([]);
  });

  it('refuses to run twice on one root and names the holder', async () => {
    const house = await House.start();
    await expect(house.begin()).rejects.toThrow(/Another NanoClaw \(process \d+\) already runs/);
    // The first one goes on.
    await house.say('@Andy ping');
    await house.answer(/pong/);
  });
});
