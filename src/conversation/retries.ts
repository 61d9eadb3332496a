import type { Run } from '../store/runs.ts';

/** A turn that was going at this many crashes of the host is suspected of causing them. A stop in order is none, nor is a full disk. */
const MOST_CRASHES = 10;

/** Whether and when a turn is tried again, from its earlier tries. */
export type NextTry =
  | {
      readonly kind: 'at' /** milliseconds since the epoch */;
      readonly time: number;
      readonly attempt: number;
    }
  | { readonly kind: 'never' };

/**
 * @param tries earlier runs of the same turn, the oldest first
 * @param delaysMs the delays before the second and later tries of a failed turn without effects, in milliseconds
 */
export function nextTry(
  tries: readonly Pick<Run, 'status' | 'endedAt' | 'exitReason' | 'attempt'>[],
  delaysMs: readonly number[],
): NextTry {
  const failures = tries.filter(({ status }) => status === 'failed');
  const crashes = tries.filter(({ exitReason }) => exitReason === 'host_crashed').length;
  const attempt = (tries.at(-1)?.attempt ?? 0) + 1;
  const last = failures.at(-1);
  if (crashes >= MOST_CRASHES) return { kind: 'never' };
  if (last === undefined) return { kind: 'at', time: 0, attempt };
  const delay = delaysMs[failures.length - 1];
  if (delay === undefined) return { kind: 'never' };
  return { kind: 'at', time: Date.parse(last.endedAt ?? '') + delay, attempt };
}
