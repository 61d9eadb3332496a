import { describe, expect, it } from 'vitest';
import { killDuringArrivals } from './killed-arrivals.ts';

/** Seven points, far enough apart to spread over three messages' writes. */
const from = (first: number, every: number): readonly number[] =>
  Array.from({ length: 7 }, (_, n) => first + n * every);

/** Different on each side, so that few points repeat. */
const CUTS = [
  ['messages that come in one by one', { live: from(1, 12), backlog: [] }],
  ['messages that come in one by one', { live: from(7, 12), backlog: [] }],
  ['the backlog of an outage', { live: [], backlog: from(3, 18) }],
  ['the backlog of an outage', { live: [], backlog: from(12, 18) }],
] as const;

describe('a process that is killed between a message’s arrival and its commit', () => {
  it.each(CUTS)('loses nothing of %s and stores nothing twice, at the points of %j', async (_, cuts) => {
    expect(await killDuringArrivals(cuts)).toBeGreaterThanOrEqual(5);
  });
});
