import { expect, it } from 'vitest';
import { CHAT_KINDS, KilledSends } from '../faults/connection/killed-sends.ts';

it.each(CHAT_KINDS)(
  'a process that is killed right before or after it sends leaves keys with which the next message to the same %s is read by every phone',
  async (kind) => {
    const sends = await KilledSends.start(kind);
    // The message is the first that goes to the network from the order on.
    expect(await sends.leavesBefore({ points: 1, onlyNetwork: true })).toBe(false);
    expect(await sends.leavesBefore({ points: 2, onlyNetwork: true })).toBe(true);
    sends.expectAllRead();
  },
);
