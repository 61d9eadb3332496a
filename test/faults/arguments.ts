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

export const USAGE = `npm run test:faults -- --rounds N --seed S    N rounds of kill -9 and restart (10); the seed fixes workload and kills (1)
                    --plant NAME              with a fault planted in the host, which the checker must find
                    --calls kill|tear|no-space|full|read-only|broken --first K --every N
                                              instead of rounds: one scenario again and again, struck at its K-th change of a file (1), then at the
                                              K+N-th (1), and so on to its end
                    --json FILE               writes the figures there`;

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
      calls: oneOf('strike', known.strikes, values.calls),
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
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${JSON.stringify(text)} is no whole number`);
  return Number(text);
}

function oneOf<T extends string>(
  what: string,
  known: readonly T[],
  given: string | undefined,
): T | undefined {
  const found = known.find((name) => name === given);
  if (found === given) return found;
  throw new Error(`There is no ${what} ${JSON.stringify(given)}. There are: ${known.join(', ')}`);
}
