import { parseArgs } from 'node:util';

export interface BenchArguments {
  readonly json: boolean;
  readonly help: boolean;
  /** Names of the benches to run, in their own order. */
  readonly names: readonly string[];
}

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `npm run bench                              measure everything, in about five minutes
npm run bench -- --only NAME [--only NAME]  measure these
npm run -s bench -- --json                  print JSON for machines`;

/** @throws UsageError */
export function readArguments(argv: readonly string[], known: readonly string[]): BenchArguments {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        only: { type: 'string', multiple: true, default: [] },
      },
    });
    const unknown = values.only.find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new Error(`There is no bench ${JSON.stringify(unknown)}. There are: ${known.join(', ')}`);
    const names = known.filter((name) => values.only.length === 0 || values.only.includes(name));
    return { json: values.json, help: values.help, names };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
}
