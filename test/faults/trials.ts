import type { Breach } from './checker.ts';
import type { RoundPlan } from './plan.ts';
import type { PlantName } from './probe/plants.ts';
import { Random } from './random.ts';
import type { RoundResult, Rounds } from './rounds.ts';
import { stratumNamed } from './strata.ts';
import type { Load } from './workload.ts';

/** How the checker is tried with a fault that was planted in the host. */
interface Trial {
  /** Where the fault shows. */
  readonly stratum: string;
  readonly load: Load;
  /** One of these must be found. */
  readonly breaches: readonly Breach[];
}

const NOTHING: Load = {
  messages: 2,
  filesByAgents: 0,
  filesByHand: 0,
  attachments: 0,
  tasks: 0,
  broken: 0,
  foreign: 0,
  withinMs: 100,
};

const TRIALS: Readonly<Record<PlantName, Trial>> = {
  // A file would be an effect of the run, and close it with a notice.
  'cursor before the answer': {
    stratum: 'sandbox running',
    load: NOTHING,
    breaches: ['a message was closed without a word'],
  },
  'unlink before the commit': {
    stratum: 'effect written, not committed',
    load: { ...NOTHING, filesByHand: 3 },
    breaches: ['a file is unaccounted for'],
  },
  'new id on a resend': {
    stratum: 'bytes left, not acked',
    load: NOTHING,
    breaches: ['a word was said under two wire ids', 'a wire id is not in the database'],
  },
  'claim after the start': {
    stratum: 'task ran, not settled',
    load: { ...NOTHING, tasks: 2 },
    breaches: ['a slot fired twice'],
  },
  'dedupe off': {
    stratum: 'effect committed, file not unlinked',
    load: { ...NOTHING, filesByHand: 3 },
    breaches: ['a file was taken twice'],
  },
  'quarantine that drops': {
    stratum: 'file in quarantine',
    load: { ...NOTHING, broken: 1 },
    breaches: ['a file is unaccounted for'],
  },
};

export const PLANT_NAMES = Object.keys(TRIALS) as readonly PlantName[];

/** One round with a planted fault. */
export interface TriedRound {
  readonly result: RoundResult;
  /** Whether the checker found what it must find. */
  readonly isFound: boolean;
}

export async function tryPlant(
  rounds: Rounds,
  plant: PlantName,
  round: number,
  seed: number,
): Promise<TriedRound> {
  const result = await rounds.run({ ...planTrial(plant, round, seed), plant });
  const { breaches } = TRIALS[plant];
  return { result, isFound: result.violations.some(({ breach }) => breaches.includes(breach)) };
}

/** The same workload and the same kill in a host without the fault. */
export function trialWithoutPlant(
  rounds: Rounds,
  plant: PlantName,
  round: number,
  seed: number,
): Promise<RoundResult> {
  return rounds.run(planTrial(plant, round, seed));
}

function planTrial(plant: PlantName, round: number, seed: number): RoundPlan {
  const { stratum, load } = TRIALS[plant];
  return {
    round,
    load,
    stratum: stratumNamed(stratum),
    strikesTwice: false,
    plant: undefined,
    seed: new Random(seed + round).between(0, 2 ** 31),
  };
}
