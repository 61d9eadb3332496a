import { SECOND } from '../clock.ts';
import type { Run } from '../store/runs.ts';

/** Pauses before the second and third try of a failed turn that left no effect. */
export const RETRY_DELAYS_MS = [5 * SECOND, 20 * SECOND] as const;

/** A turn that was going at this many crashes of the host is suspected of causing them. */
const MOST_INTERRUPTIONS = 10;

/** Whether and when a turn is tried again, from its earlier tries. */
export type NextTry =
  | {
      readonly kind: 'at' /** milliseconds since the epoch */;
      readonly time: number;
      readonly attempt: number;
    }
  | { readonly kind: 'never' };

/** @param tries earlier runs of the same turn, the oldest first */
export function nextTry(tries: readonly Pick<Run, 'status' | 'endedAt' | 'attempt'>[]): NextTry {
  const failures = tries.filter(({ status }) => status === 'failed');
  const interruptions = tries.filter(({ status }) => status === 'interrupted').length;
  const attempt = (tries.at(-1)?.attempt ?? 0) + 1;
  const last = failures.at(-1);
  if (interruptions >= MOST_INTERRUPTIONS) return { kind: 'never' };
  if (last === undefined) return { kind: 'at', time: 0, attempt };
  const delay = RETRY_DELAYS_MS[failures.length - 1];
  if (delay === undefined) return { kind: 'never' };
  return { kind: 'at', time: Date.parse(last.endedAt ?? '') + delay, attempt };
}
