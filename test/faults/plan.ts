import type { PlantName } from './probe/plants.ts';
import { Random } from './random.ts';
import { STRATA, type Stratum, TIMED } from './strata.ts';
import { FULL_LOAD, type Load } from './workload.ts';

/** All that is decided about a round before it begins. */
export interface RoundPlan {
  readonly round: number;
  readonly load: Load;
  readonly stratum: Stratum;
  /** Whether the host is killed a second time, somewhere between its next start and the end of the round. */
  readonly strikesTwice: boolean;
  readonly plant: PlantName | undefined;
  /** Seeds what else is decided. */
  readonly seed: number;
}

/** After so many rounds with a stratum comes one with a kill at any time. */
const AIMED_IN_A_ROW = 3;
const SECOND_KILL = 0.25;

/**
 * Each stratum has its share: all of them in an order that the seed decides, then all of them again, and every fourth round a kill at
 * any time.
 */
export function planRounds(seed: number, rounds: number, load: Load = FULL_LOAD): readonly RoundPlan[] {
  const random = new Random(seed);
  const plans: RoundPlan[] = [];
  let left: Stratum[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    if (left.length === 0) left = random.shuffled(STRATA);
    const isTimed = round % (AIMED_IN_A_ROW + 1) === 0;
    const stratum = isTimed ? TIMED : (left.pop() ?? TIMED);
    const strikesTwice = stratum.kill.kind !== 'start' && random.chance(SECOND_KILL);
    plans.push({ round, load, stratum, strikesTwice, plant: undefined, seed: random.between(0, 2 ** 31) });
  }
  return plans;
}
