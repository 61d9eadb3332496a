import { describe, expect, it } from 'vitest';
import { killDuringArrivals } from './killed-arrivals.ts';

/** Far enough apart to spread over three messages' writes; different on each side, so that few points repeat. */
const LIVE = Array.from({ length: 14 }, (_, n) => 1 + n * 6);
const BACKLOG = Array.from({ length: 14 }, (_, n) => 3 + n * 9);

describe('a process that is killed between a message’s arrival and its commit', () => {
  it.each([
    ['messages that come in one by one', { live: LIVE, backlog: [] }],
    ['the backlog of an outage', { live: [], backlog: BACKLOG }],
  ])('loses nothing of %s and stores nothing twice, at 14 points', async (_, cuts) => {
    expect(await killDuringArrivals(cuts)).toBeGreaterThanOrEqual(10);
  });
});
