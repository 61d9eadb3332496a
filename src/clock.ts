/** The time, injected so that tests can set it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that only grow, whatever the clock is set to; absent: nobody sets it. */
  elapsed?(): number;
}

/** Makes ids that sort by the time of their making (UUID version 7). */
export type NewId = () => string;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

const WITHOUT_OFFSET = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)$/;

/**
 * An instant of a database row. One without offset is UTC, as SQLite writes it (`datetime('now')`);
 * `Date.parse` alone reads it as local time.
 * @returns milliseconds since the epoch; NaN for what is no instant
 */
export function parseInstant(text: string): number {
  return Date.parse(text.replace(WITHOUT_OFFSET, '$1T$2Z'));
}

export const systemClock: Clock = { now: () => Date.now(), elapsed: () => Math.round(performance.now()) };

/** For pauses within a process. @returns milliseconds since some instant */
export function elapsedOf(clock: Clock): number {
  return clock.elapsed?.() ?? clock.now();
}

/** What is left alone for a while: a clock that is set makes that neither longer nor shorter. */
export class Pauses<Key> {
  readonly #clock: Clock;
  readonly #until = new Map<Key, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param ms milliseconds from now on */
  begin(key: Key, ms: number): void {
    this.#until.set(key, elapsedOf(this.#clock) + ms);
  }

  end(key: Key): void {
    this.#until.delete(key);
  }

  /** @returns milliseconds; 0: the pause is over; undefined: none was begun */
  left(key: Key): number | undefined {
    const until = this.#until.get(key);
    return until === undefined ? undefined : Math.max(0, until - elapsedOf(this.#clock));
  }
}
