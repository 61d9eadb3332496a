import { MINUTE } from '../clock.ts';

/** A longer one (24 days) would fire at once: Node's timers count in 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * How long a sandbox may live, in milliseconds. A sandbox that waits for follow-ups must not be ended before it has
 * waited.
 * @param minAfterIdleMs what it gets at least on top of its wait for follow-ups, in milliseconds
 */
export function deadlineMs(
  groupTimeoutMs: number | undefined,
  timeoutMs: number,
  idleTimeoutMs: number,
  minAfterIdleMs: number,
): number {
  return Math.min(LONGEST_TIMER_MS, Math.max(groupTimeoutMs ?? timeoutMs, idleTimeoutMs + minAfterIdleMs));
}

/** Before its end an agent is asked to answer with what it has: a tenth of its time, at most this. */
const LONGEST_WRAP_UP_MS = 2 * MINUTE;

/** When an agent is asked to finish, in milliseconds after its start. */
export function softDeadlineMs(deadline: number): number {
  return deadline - Math.min(deadline / 10, LONGEST_WRAP_UP_MS);
}
