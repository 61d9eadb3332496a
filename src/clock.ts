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

const WITHOUT_OFFSET = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)$/;

/**
 * An instant of a database row. One without offset is UTC, as SQLite writes it (`datetime('now')`);
 * `Date.parse` alone reads it as local time.
 * @returns milliseconds since the epoch; NaN for what is no instant
 */
export function parseInstant(text: string): number {
  return Date.parse(text.replace(WITHOUT_OFFSET, '$1T$2Z'));
}

export const systemClock: Clock = { now: () => Date.now() };
