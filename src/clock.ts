/** The time, injected so that tests can set it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Makes ids that sort by the time of their making (UUID version 7). */
export type NewId = () => string;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

export const systemClock: Clock = { now: () => Date.now() };
