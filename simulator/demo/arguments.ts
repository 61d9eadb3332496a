import { parseArgs } from 'node:util';

/** What `npm run demo` was asked to do. */
export interface DemoArguments {
  /** Lines to say in order; empty: a person types. */
  readonly say: readonly string[];
  /** Milliseconds after which a script counts as failed. */
  readonly timeoutMs: number;
}

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `npm run demo                                 chat in this terminal as the owner of the phone
npm run demo -- --say TEXT [--say TEXT …]    say lines in order, print what happens, and end
                --timeout SECONDS            fail when that takes longer (default 120)`;

const DEFAULT_TIMEOUT_S = 120;

/** @throws UsageError */
export function readArguments(argv: readonly string[]): DemoArguments {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { say: { type: 'string', multiple: true }, timeout: { type: 'string' } },
    });
    const timeout = Number(values.timeout ?? DEFAULT_TIMEOUT_S);
    if (!(timeout > 0)) throw new Error(`--timeout is ${values.timeout}; it must be a number of seconds`);
    return { say: values.say ?? [], timeoutMs: timeout * 1_000 };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
}
