import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatViolation } from '../report.ts';
import { World } from '../world.ts';
import { BEYOND, CallRounds } from './call-rounds.ts';
import { CALL_WORLD } from './series.ts';

/**
 * A few of the scenario's calls, which it surely comes to: the start and the way of a message. All of them take an hour:
 * `npm run test:faults -- --calls kill`.
 */
const SAMPLE = [
  ['kill', 20],
  ['kill', 130],
  ['kill', 260],
  ['tear', 180],
  ['no-space', 2],
  ['no-space', 90],
  ['no-space', 200],
  ['full', 120],
  ['read-only', 90],
  ['broken', 160],
] as const;

describe.runIf(process.platform === 'linux')('a host that is hit by a fault at a change of a file', () => {
  let world: World;
  let rounds: CallRounds;
  let round = 0;

  beforeAll(async () => {
    world = await World.start(CALL_WORLD);
    rounds = new CallRounds(world);
  });

  afterAll(() => world.close());

  it.each(SAMPLE)('loses nothing and sends nothing twice: %s at number %i', async (strike, nth) => {
    round += 1;
    const { hit, violations } = await rounds.run(round, strike, nth);
    expect(violations.map(formatViolation)).toEqual([]);
    expect(hit).toBeDefined();
  });

  it('loses nothing and sends nothing twice when it is killed while it stops', async () => {
    const whole = await rounds.run(round + 1, 'kill', BEYOND, 'stop');
    expect(whole.violations.map(formatViolation)).toEqual([]);
    expect(whole).toMatchObject({ hit: undefined, end: 'went on' });
    const half = Math.ceil(whole.calls / 2);
    const { hit, end, violations } = await rounds.run(round + 2, 'kill', half, 'stop');
    expect(violations.map(formatViolation)).toEqual([]);
    expect(hit).toBeDefined();
    expect(end).toBe('killed');
  });
});
