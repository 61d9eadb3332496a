import type { SendOutcome } from '../channel/channel.ts';
import { HOUR } from '../clock.ts';
import type { Timings } from '../timings.ts';

/** What becomes of a row after a send. */
export type Verdict =
  | { readonly kind: 'sent' }
  /** Send again under the same id after a pause. `counted`: bytes may have left, so the try counts. */
  | { readonly kind: 'again'; readonly delayMs: number; readonly counted: boolean; readonly reason: string }
  /** `told`: the owner is told of the cause, not of each message. */
  | { readonly kind: 'failed'; readonly reason: string; readonly told?: boolean }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Bytes leave at most this often for one row: the first send and two more under the same id. */
export const MOST_SENDS = 3;

/** What is said to be tried later than this from now on was written before the clock was set back. */
export const LONGEST_DELAY_MS = HOUR;
/** So often in a row, over about an hour and a half: then something is wrong with the chat, not with the line. */
const MOST_NOT_SENT = 10;
/** So often if it is a file, over a few minutes: what is not uploaded by then should not hold up the answers behind it. */
const MOST_NOT_UPLOADED = 6;

/** What was tried for a row, this time included. */
export interface Tries {
  /** How often bytes may have left. */
  readonly sends: number;
  /** How often in a row nothing left although the line was open. */
  readonly notSent: number;
  readonly isFile: boolean;
}

/** The table of what may be sent again. */
export function judge(
  outcome: SendOutcome,
  { sends, notSent, isFile }: Tries,
  { resendDelaysMs, notSentDelayMs }: Pick<Timings, 'resendDelaysMs' | 'notSentDelayMs'>,
): Verdict {
  switch (outcome.kind) {
    case 'acked':
      return { kind: 'sent' };
    case 'not_sent':
      if (notSent >= (isFile ? MOST_NOT_UPLOADED : MOST_NOT_SENT))
        return { kind: 'failed', reason: outcome.reason };
      return {
        kind: 'again',
        delayMs: notSentDelayMs * 2 ** Math.max(0, notSent - 1),
        counted: false,
        reason: outcome.reason,
      };
    case 'refused':
      return { kind: 'failed', reason: outcome.reason, told: outcome.restricted === true };
    case 'unconfirmed': {
      const delayMs = resendDelaysMs[sends - 1];
      if (sends >= MOST_SENDS || delayMs === undefined) return { kind: 'unknown', reason: outcome.reason };
      return { kind: 'again', delayMs, counted: true, reason: outcome.reason };
    }
  }
}
