import { parseArgs } from 'node:util';
import type { Strike } from './calls/call-watch.ts';
import type { PlantName } from './probe/plants.ts';

export interface FaultsArguments {
  readonly rounds: number;
  readonly seed: number;
  readonly plant: PlantName | undefined;
  /** What strikes at the host's calls to the system, one after the other. */
  readonly calls: Strike | undefined;
  readonly first: number;
  readonly every: number;
  /** Where the figures are written as JSON. */
  readonly json: string | undefined;
  readonly help: boolean;
}

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `Usage: npm run test:faults -- [options]

Kills a real host at work, restarts it, and checks the wire log and the database.
Without options: runs the tests of the Vitest project "faults".

  --rounds N      run N rounds of kill -9 and restart (default 10)
  --seed S        the seed of workload and kills (default 1)
  --plant NAME    seed a bug in the host, which the checker must find in every round
  --calls FAULT   instead of rounds: repeat one scenario, each time with a fault at a later change of a file, to
                  its end; FAULT is kill, tear, no-space, full, read-only or broken
  --first K       with --calls: the first change that is hit (default 1)
  --every N       with --calls: hit every N-th change from there on (default 1)
  --json FILE     write the figures to FILE
  -h, --help      print this help`;

/** @throws UsageError */
export function readArguments(
  argv: readonly string[],
  known: { readonly plants: readonly PlantName[]; readonly strikes: readonly Strike[] },
): FaultsArguments {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        rounds: { type: 'string', default: '10' },
        seed: { type: 'string', default: '1' },
        plant: { type: 'string' },
        calls: { type: 'string' },
        first: { type: 'string', default: '1' },
        every: { type: 'string', default: '1' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const { json, help } = values;
    return {
      rounds: whole(values.rounds),
      seed: whole(values.seed),
      plant: oneOf('plant', known.plants, values.plant),
      calls: oneOf('fault', known.strikes, values.calls),
      first: Math.max(1, whole(values.first)),
      every: Math.max(1, whole(values.every)),
      json,
      help,
    };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${JSON.stringify(text)} must be a whole number`);
  return Number(text);
}

function oneOf<T extends string>(
  what: string,
  known: readonly T[],
  given: string | undefined,
): T | undefined {
  const found = known.find((name) => name === given);
  if (found === given) return found;
  throw new Error(`Unknown ${what} ${JSON.stringify(given)}; must be one of: ${known.join(', ')}`);
}
