import type { Timings } from '../../timings.ts';
import { CodeExpiredError, codeOf, LinkRefusedError, textOf } from './errors.ts';

/** What follows when the line has closed. */
export type Reaction =
  | { readonly kind: 'at-once' }
  | { readonly kind: 'back-off' }
  /** The QRs of this attempt are used up: somebody must want new ones. */
  | { readonly kind: 'qr-used-up'; readonly reason: string }
  | {
      readonly kind: 'stop';
      readonly credentials: 'keep' | 'lay-aside';
      /** For the owner: what happened and what to do. */
      readonly reason: string;
    };

/**
 * What each close code asks for; every other one backs off. Codes are those of WhatsApp's stream errors and login
 * failures, and Baileys' own (408 and 428 for a lost network).
 */
export const REACTIONS = {
  401: {
    kind: 'stop',
    credentials: 'lay-aside',
    reason:
      'The phone has unlinked this assistant (401). The old credentials were kept aside. Pair again with: npx nanoclaw pair',
  },
  403: {
    kind: 'stop',
    credentials: 'keep',
    reason:
      'WhatsApp has blocked this account (403). Open WhatsApp on the phone and see what it says there; then start again.',
  },
  405: {
    kind: 'stop',
    credentials: 'keep',
    reason:
      'WhatsApp refuses this client version as too old (405). Raise it: set WHATSAPP_VERSION=2.3000.N in .env to the current WhatsApp Web version, or update NanoClaw; then start again.',
  },
  408: { kind: 'back-off' },
  411: {
    kind: 'stop',
    credentials: 'keep',
    reason:
      'The account does not take linked devices as it is (411). Update WhatsApp on the phone and open its linked devices; then start again.',
  },
  419: {
    kind: 'stop',
    credentials: 'keep',
    reason:
      'WhatsApp refuses this login (419). Open WhatsApp on the phone and see what it says there; then start again.',
  },
  428: { kind: 'back-off' },
  440: {
    kind: 'stop',
    credentials: 'keep',
    reason:
      'Another program has taken over this linked device (440): it uses a copy of these credentials. Stop the other one, then start this one again.',
  },
  500: { kind: 'back-off' },
  503: { kind: 'back-off' },
  515: { kind: 'at-once' },
} as const satisfies Record<number, Reaction>;

/** Baileys ends an unpaired line in these words, under the code of a time-out. */
const QR_USED_UP = 'QR refs attempts ended';

/** Looks a close up in the table. `error` is what Baileys gave as the reason, if any. */
export function reactionTo(error: unknown): Reaction {
  if (error instanceof LinkRefusedError) return { kind: 'stop', credentials: 'keep', reason: error.message };
  if (error instanceof CodeExpiredError || textOf(error).includes(QR_USED_UP)) {
    return {
      kind: 'qr-used-up',
      reason: 'Nobody used the code while it was valid. Get a new one with: npx nanoclaw pair',
    };
  }
  const table: Readonly<Record<number, Reaction>> = REACTIONS;
  return table[codeOf(error) ?? 0] ?? { kind: 'back-off' };
}

/** The first wait and the longest one. */
export type BackoffTimings = Pick<Timings, 'reconnectFirstMs' | 'reconnectMaxMs'>;

/** Waits that double up to a cap; half of each is jitter, so that many clients do not come back together. */
export class Backoff {
  readonly #random: () => number;
  readonly #timings: BackoffTimings;
  #tries = 0;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number, timings: BackoffTimings) {
    this.#random = random;
    this.#timings = timings;
  }

  /** The next wait, in milliseconds. */
  next(): number {
    const { reconnectFirstMs, reconnectMaxMs } = this.#timings;
    const full = Math.min(reconnectMaxMs, reconnectFirstMs * 2 ** Math.min(this.#tries, 30));
    this.#tries += 1;
    return Math.round(full / 2 + (full / 2) * this.#random());
  }

  /** After a line that held: the next wait is the first again. */
  reset(): void {
    this.#tries = 0;
  }
}
