import { expect, it } from 'vitest';
import { killDuringArrivals } from '../faults/connection/killed-arrivals.ts';

/** Some points of the long series (test/faults/connection): on the way of a first, a second and a third message. */
const LIVE = [13, 31, 49];
const BACKLOG = [30, 57, 84];

it.each([
  ['messages that come in one by one', { live: LIVE, backlog: [] }],
  ['the backlog of an outage', { live: [], backlog: BACKLOG }],
])(
  'a process that is killed between arrival and commit loses nothing of %s and stores nothing twice',
  async (_, cuts) => {
    expect(await killDuringArrivals(cuts)).toBe(3);
  },
);
