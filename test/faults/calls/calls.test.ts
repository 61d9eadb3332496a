import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatViolation } from '../report.ts';
import { World } from '../world.ts';
import { CallRounds } from './call-rounds.ts';
import { CALL_WORLD } from './series.ts';

/** A slow machine, and others at work on it. */
const TIMEOUT_MS = 300_000;

/** Of the scenario's calls a few: the start, the way of a message, the end. All of them take an hour: `npm run test:faults -- --calls kill`. */
const SAMPLE = [
  ['kill', 20],
  ['kill', 130],
  ['kill', 260],
  ['kill', 350],
  ['tear', 180],
  ['no-space', 2],
  ['no-space', 90],
  ['no-space', 200],
  ['full', 120],
  ['read-only', 90],
  ['read-only', 160],
] as const;

describe.runIf(process.platform === 'linux')('a host that is struck at a change of a file', () => {
  let world: World;
  let rounds: CallRounds;
  let round = 0;

  beforeAll(async () => {
    world = await World.start(CALL_WORLD);
    rounds = new CallRounds(world);
  }, TIMEOUT_MS);

  afterAll(() => world.close());

  it.each(SAMPLE)(
    'loses nothing and says nothing twice: %s at number %i',
    async (strike, nth) => {
      round += 1;
      const { hit, violations } = await rounds.run(round, strike, nth);
      expect(violations.map(formatViolation)).toEqual([]);
      expect(hit).toBeDefined();
    },
    TIMEOUT_MS,
  );
});
