import type { Violation } from '../checker.ts';
import { formatViolation } from '../report.ts';
import type { World } from '../world.ts';
import { type CallResult, CallRounds, type End } from './call-rounds.ts';
import type { Strike } from './call-watch.ts';

export const CALL_WORLD = { chats: 2, sandboxes: 2, watchesCalls: true };

/** The scenario's calls differ by a few from one time to the next: so many numbers in a row without a call are the end of them. */
const MISSES_AT_END = 4;

export interface SeriesOptions {
  readonly strike: Strike;
  /** The first call that is struck. */
  readonly first: number;
  /** From one struck call to the next. */
  readonly every: number;
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
}

/** Strikes at one call after the other, until the scenario has no more. */
export class Series {
  readonly strike: Strike;
  readonly violations: Violation[] = [];
  readonly results: CallResult[] = [];
  readonly #options: SeriesOptions;
  #next: number;
  #misses = 0;

  constructor(options: SeriesOptions) {
    this.#options = options;
    this.strike = options.strike;
    this.#next = options.first;
  }

  get isOver(): boolean {
    return this.#misses >= MISSES_AT_END || this.#options.signal.aborted;
  }

  /** How many calls were struck. */
  get struck(): number {
    return this.results.filter(({ hit }) => hit !== undefined).length;
  }

  /** Strikes at the next calls. @param most how many rounds this world may serve */
  async goOn(world: World, most: number): Promise<void> {
    const rounds = new CallRounds(world);
    for (let round = 1; round <= most && !this.isOver; round += 1) {
      const result = await rounds.run(round, this.strike, this.#next);
      this.results.push(result);
      this.violations.push(...result.violations);
      this.#misses = result.hit === undefined ? this.#misses + 1 : 0;
      this.#next += this.#options.every;
      this.#options.print(formatCall(result));
      for (const violation of result.violations) this.#options.print(formatViolation(violation));
    }
  }
}

function formatCall({ nth, hit, calls, end, violations, durationMs }: CallResult): string {
  const what = hit ?? `not reached, there were ${calls}`;
  const verdict = violations.length === 0 ? 'ok' : `${violations.length} violations`;
  return `call ${nth}: ${what}: ${end}; ${(durationMs / 1000).toFixed(1)} s; ${verdict}`;
}

/** The kinds of calls that were struck, each with how often, and what became of the hosts. */
export function formatSeries({ strike, results, violations, struck }: Series): string {
  const kinds = new Map<string, number>();
  const ends = new Map<End, number>();
  for (const { hit, end } of results) {
    if (hit === undefined) continue;
    const kind = kindOf(hit);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  const lines = [...kinds].sort(([one], [other]) => one.localeCompare(other));
  return [
    'Struck:',
    ...lines.map(([kind, count]) => `  ${count}  ${kind}`),
    `Strike ${strike}: ${struck} calls struck, up to number ${results.findLast(({ hit }) => hit !== undefined)?.nth ?? 0}. ` +
      `${[...ends].map(([end, count]) => `${count} ${end}`).join(', ')}. ${violations.length} violations.`,
  ].join('\n');
}

/** `pwrite store/messages.db-wal`, with no names that differ from time to time. */
function kindOf(hit: string): string {
  return hit
    .replace(/, \d+ bytes$/, '')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
    .replace(/\b[MF]\d+x\d+\b/g, 'WORD')
    .replace(/\d{6,}/g, 'N');
}
