import { type Figures, noFigures, type Violation } from './checker.ts';
import type { OpenWork } from './open-work.ts';
import type { RoundResult } from './rounds.ts';

/** Of one stratum: how often it was aimed at, and how often it was hit. */
interface Share {
  readonly stratum: string;
  readonly kills: number;
  readonly hits: number;
}

/** All rounds taken together. */
export class Totals {
  rounds = 0;
  kills = 0;
  readonly figures: Figures = noFigures();
  /** Of tasks that are due each minute. */
  minutelySlots = 0;
  readonly violations: Violation[] = [];
  readonly #shares = new Map<string, { kills: number; hits: number }>();
  /** At how many kills there was work of a kind under way. */
  readonly #found = new Map<keyof OpenWork, number>();
  readonly #durationsMs: number[] = [];

  add(result: RoundResult): void {
    this.rounds += 1;
    this.#durationsMs.push(result.durationMs);
    this.violations.push(...result.violations);
    for (const kind of Object.keys(this.figures) as (keyof Figures)[])
      this.figures[kind] += result.figures[kind];
    for (const { stratum, hit, found } of result.kills) {
      this.kills += 1;
      const share = this.#shares.get(stratum) ?? { kills: 0, hits: 0 };
      this.#shares.set(stratum, { kills: share.kills + 1, hits: share.hits + (hit ? 1 : 0) });
      for (const [kind, count] of Object.entries(found) as [keyof OpenWork, number][])
        this.#found.set(kind, (this.#found.get(kind) ?? 0) + (count > 0 ? 1 : 0));
    }
  }

  get shares(): readonly Share[] {
    return [...this.#shares].map(([stratum, share]) => ({ stratum, ...share }));
  }

  get found(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#found);
  }

  /** Milliseconds. */
  get medianRoundMs(): number {
    const sorted = [...this.#durationsMs].sort((one, other) => one - other);
    return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
  }
}
