import { SECOND } from '../clock.ts';

/** What a sandbox gets on top of its wait for follow-ups. */
export const IDLE_GRACE_MS = 30 * SECOND;

/**
 * How long a sandbox may live, in milliseconds. A sandbox that waits for follow-ups must not be ended before it has
 * waited.
 */
export function deadlineMs(
  groupTimeoutMs: number | undefined,
  timeoutMs: number,
  idleTimeoutMs: number,
  idleGraceMs: number = IDLE_GRACE_MS,
): number {
  return Math.max(groupTimeoutMs ?? timeoutMs, idleTimeoutMs + idleGraceMs);
}
