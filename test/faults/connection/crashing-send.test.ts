import { describe, expect, it } from 'vitest';
import { CHAT_KINDS, KilledSends } from './killed-sends.ts';

/** More points than there are from the order to send until the message is on the network. */
const PAST_THE_WRITE = 64;
/** So many after it, among which Baileys' own commit of the keys lies. */
const COMMIT = [1, 2, 4];

describe('a process that is killed during a send', () => {
  it.each(CHAT_KINDS)(
    'leaves keys with which the next message to the same %s is read by every phone',
    async (kind) => {
      const sends = await KilledSends.start(kind);
      await sends.killAfterAck();
      // Ends with the points right before and right after the write to the network.
      let [before, after] = [0, PAST_THE_WRITE];
      while (after - before > 1) {
        const points = Math.floor((before + after) / 2);
        if (await sends.leavesBefore({ points })) after = points;
        else before = points;
      }
      expect(before).toBeGreaterThan(0);
      for (const more of COMMIT) expect(await sends.leavesBefore({ points: after + more })).toBe(true);
      sends.expectAllRead();
    },
  );
});
