import { MINUTE, parseInstant } from '../clock.ts';
import { MODEL_UNAVAILABLE, type Run } from '../store/runs.ts';
import type { Timings } from '../timings.ts';

/** A turn that was going at this many crashes of the host is suspected of causing them. A stop in order is none, nor is a full disk. */
const MOST_CRASHES = 10;

/** A clock that is corrected by less than this needs no care. */
const CLOCK_TOLERANCE_MS = MINUTE;

export interface RetryTimings
  extends Pick<Timings, 'outageRetryFirstMs' | 'outageRetryMaxMs' | 'outageWaitMs'> {
  readonly turnRetryDelaysMs: readonly number[];
}

type Try = Pick<Run, 'status' | 'endedAt' | 'exitReason' | 'attempt' | 'notBefore'>;

/** Whether and when a turn is tried again, from its earlier tries. */
export type NextTry =
  | {
      readonly kind: 'at' /** milliseconds since the epoch */;
      readonly time: number;
      readonly attempt: number;
    }
  | { readonly kind: 'never' };

/**
 * A failed turn without effects is retried twice; while the model's service is unavailable it waits with back-off, for an hour at most.
 * A failure in the future was stored before the clock was set back: its turn is tried at once.
 * @param tries earlier runs of the same turn, the oldest first
 * @param now milliseconds since the epoch
 */
export function nextTry(tries: readonly Try[], timings: RetryTimings, now: number): NextTry {
  const crashes = tries.filter(({ exitReason }) => exitReason === 'host_crashed').length;
  const attempt = (tries.at(-1)?.attempt ?? 0) + 1;
  if (crashes >= MOST_CRASHES) return { kind: 'never' };
  const failures = tries.filter(({ status }) => status === 'failed');
  const last = failures.at(-1);
  if (last === undefined) return { kind: 'at', time: 0, attempt };
  const delay =
    last.exitReason === MODEL_UNAVAILABLE
      ? outageDelayMs(outageOf(tries), timings)
      : timings.turnRetryDelaysMs[
          failures.filter(({ exitReason }) => exitReason !== MODEL_UNAVAILABLE).length - 1
        ];
  if (delay === undefined) return { kind: 'never' };
  const isClockBack = endOf(last) > now + CLOCK_TOLERANCE_MS;
  return { kind: 'at', time: isClockBack ? now : endOf(last) + delay, attempt };
}

/** The last tries of a turn that the model's service did not answer, the oldest first; what was interrupted between them is left out. */
export function outageOf(tries: readonly Try[]): readonly Try[] {
  const failures = tries.filter(({ status }) => status === 'failed');
  const other = failures.findLastIndex(({ exitReason }) => exitReason !== MODEL_UNAVAILABLE);
  return failures.slice(other + 1);
}

/** Whether a chat is told of an outage: not of one that the first quick retries outlast. */
export function isOutageTold(
  outage: readonly Try[],
  { turnRetryDelaysMs, outageRetryFirstMs }: RetryTimings,
): boolean {
  return (
    outage.length > turnRetryDelaysMs.length ||
    outage.some((each) => givenDelayMs(each) >= outageRetryFirstMs)
  );
}

/** @returns undefined when the outage has lasted for too long */
function outageDelayMs(outage: readonly Try[], timings: RetryTimings): number | undefined {
  const { turnRetryDelaysMs, outageRetryFirstMs, outageRetryMaxMs, outageWaitMs } = timings;
  const [first, last] = [outage[0], outage.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const left = outageWaitMs - Math.max(0, endOf(last) - endOf(first));
  if (left <= 0) return undefined;
  const later = outage.length - turnRetryDelaysMs.length - 1;
  const backOff =
    turnRetryDelaysMs[outage.length - 1] ?? Math.min(outageRetryMaxMs, outageRetryFirstMs * 2 ** later);
  return Math.min(left, Math.max(backOff, givenDelayMs(last)));
}

/** How long the model's service asked to wait, in milliseconds. */
function givenDelayMs(outage: Try): number {
  return Math.max(0, outage.notBefore - endOf(outage));
}

function endOf({ endedAt }: Try): number {
  return parseInstant(endedAt ?? '') || 0;
}
