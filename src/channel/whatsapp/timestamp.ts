import { toNumber } from '@whiskeysockets/baileys';
import { MINUTE } from '../../clock.ts';

/** Clocks differ by that much; a time that is further ahead is wrong. */
export const MAX_AHEAD_MS = 5 * MINUTE;

/**
 * When something was, in milliseconds since the epoch. What is missing, no time at all or in the future counts as now:
 * nothing later could come after it, and its chat would stay the newest.
 */
export function timeOf(seconds: Parameters<typeof toNumber>[0], now: number): number {
  const ms = toNumber(seconds) * 1_000;
  return ms > 0 && ms <= now + MAX_AHEAD_MS ? ms : now;
}
