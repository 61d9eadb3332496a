import { type Clock, SECOND } from '../clock.ts';

/**
 * How often something may be done: so many times at once, and so many a second in the long run (a token bucket).
 * It has no timer.
 */
export class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #clock: Clock;
  #left: number;
  #countedAt: number;

  constructor(burst: number, perSecond: number, clock: Clock) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#left = burst;
    this.#countedAt = clock.now();
  }

  /** Uses one up. @returns false when there is none left */
  use(): boolean {
    const now = this.#clock.now();
    // A clock that was set back gives nothing and takes nothing.
    const earned = (Math.max(0, now - this.#countedAt) / SECOND) * this.#perSecond;
    this.#countedAt = now;
    this.#left = Math.min(this.#burst, this.#left + earned);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
