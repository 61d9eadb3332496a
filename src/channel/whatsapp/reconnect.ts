import { HOUR, SECOND } from '../../clock.ts';
import type { Timings } from '../../timings.ts';
import { CodeExpiredError, codeOf, LinkRefusedError, textOf } from './errors.ts';

/** What follows when the line has closed. */
export type Reaction =
  | { readonly kind: 'at-once' }
  | { readonly kind: 'back-off' }
  /** The account is banned for a time: the next try is made when it is over. */
  | { readonly kind: 'banned'; readonly forMs: number; readonly reason: string }
  /** The QRs of this attempt are used up: somebody must want new ones. */
  | { readonly kind: 'qr-used-up'; readonly reason: string }
  | {
      readonly kind: 'stop';
      readonly credentials: 'keep' | 'lay-aside';
      /** For the owner: what happened and what to do. */
      readonly reason: string;
    };

const LINK_AGAIN = 'link again with: ./nanoclaw pair --new';

const stop = (reason: string, credentials: 'keep' | 'lay-aside' = 'keep'): Reaction => ({
  kind: 'stop',
  credentials,
  reason,
});

/**
 * What each close code asks for; every other one backs off, the 500-range among them. Codes are those of WhatsApp's
 * stream errors and login failures (as whatsmeow's connectionevents.go and whatsapp-rust read them), and Baileys' own
 * (408 and 428 for a lost network).
 */
export const REACTIONS: Readonly<Record<number, Reaction>> = {
  400: stop(
    `WhatsApp refuses this login as malformed (400). Update NanoClaw and start again; if that does not help, ${LINK_AGAIN}`,
  ),
  401: stop(
    'The phone has unlinked this assistant (401). The old credentials were kept aside. Pair again with: ./nanoclaw pair',
    'lay-aside',
  ),
  403: stop(
    `WhatsApp has blocked this account, or its phone has left it (403). Open WhatsApp on the phone and see what it says there; then start again. If the account works on the phone, ${LINK_AGAIN}`,
  ),
  405: stop(
    'WhatsApp refuses this client version as too old (405). Let this machine reach https://web.whatsapp.com, where the current one is looked up, set WHATSAPP_VERSION=2.3000.N in .env to the current WhatsApp Web version, or update NanoClaw; then start again.',
  ),
  406: stop(
    `WhatsApp has banned this account or logged it out (406). Open WhatsApp on the phone, where a ban can be appealed; if the account works there, ${LINK_AGAIN}`,
  ),
  408: { kind: 'back-off' },
  409: stop(
    'WhatsApp refuses this client: it is not one that it knows (409). Update NanoClaw and start again.',
  ),
  411: stop(
    'The account does not take linked devices as it is (411). Update WhatsApp on the phone and open its linked devices; then start again.',
  ),
  415: stop(`WhatsApp does not know this linked device any more (415). To go on, ${LINK_AGAIN}`),
  418: stop(`WhatsApp does not know this client any more (418). To go on, ${LINK_AGAIN}`),
  419: stop(
    'WhatsApp refuses this login (419). Open WhatsApp on the phone and see what it says there; then start again.',
  ),
  428: { kind: 'back-off' },
  440: stop(
    'Another program has taken over this linked device (440): it uses a copy of these credentials. Stop the other one, then start this one again.',
  ),
  500: { kind: 'back-off' },
  503: { kind: 'back-off' },
  515: { kind: 'at-once' },
  516: stop(
    'The phone has removed this linked device (516). The old credentials were kept aside. Pair again with: ./nanoclaw pair',
    'lay-aside',
  ),
};

/** Baileys' words for a login that WhatsApp refuses, and for its last word on a connection. */
const OF_WHATSAPP = /^(?:Connection Failure|Stream Errored)/;
/** Codes whose reaction would be wrong for anything but WhatsApp's word on the account. */
const ONLY_OF_WHATSAPP: ReadonlySet<number> = new Set([400, 401, 516]);
const TEMPORARY_BAN = 402;
/** Where WhatsApp does not say how long. */
const BAN_MS = HOUR;
/** Ten years: a longer one is no time that a clock can show. */
const MAX_BAN_MS = 10 * 365 * 24 * HOUR;
/** Why, as whatsmeow's events.go reads the code within a ban. */
const BAN_REASONS: Readonly<Record<string, string>> = {
  101: 'too many messages to people who do not have its number',
  102: 'too many people have blocked it',
  103: 'too many groups with people who do not have its number',
  104: 'the same message too many times',
  106: 'too many messages to a broadcast list',
};

/** Baileys ends an unpaired line in these words, under the code of a time-out. */
const QR_USED_UP = 'QR refs attempts ended';

/** Looks a close up in the table. `error` is what Baileys gave as the reason, if any. */
export function reactionTo(error: unknown): Reaction {
  if (error instanceof LinkRefusedError) return { kind: 'stop', credentials: 'keep', reason: error.message };
  if (error instanceof CodeExpiredError || textOf(error).includes(QR_USED_UP)) {
    return {
      kind: 'qr-used-up',
      reason: 'Nobody used the code while it was valid. Get a new one with: ./nanoclaw pair',
    };
  }
  const code = codeOf(error) ?? 0;
  // Baileys has such codes for errors of its own too (a certificate that it does not trust is a 400).
  if (ONLY_OF_WHATSAPP.has(code) && !OF_WHATSAPP.test(textOf(error))) return { kind: 'back-off' };
  if (code === TEMPORARY_BAN) return banOf(attributesOf(error));
  return REACTIONS[code] ?? { kind: 'back-off' };
}

/** @param expire seconds */
function banOf({ expire = '', code = '' }: Readonly<Record<string, string>>): Reaction {
  const seconds = Number(expire);
  const forMs = seconds > 0 ? Math.min(seconds * SECOND, MAX_BAN_MS) : BAN_MS;
  const why = BAN_REASONS[code];
  return {
    kind: 'banned',
    forMs,
    reason:
      `WhatsApp has banned this account for a time (402${why === undefined ? '' : `: ${why}`}). ` +
      'Open WhatsApp on the phone and see what it says there; the assistant tries again when the time is over',
  };
}

/** What WhatsApp said with a login failure. */
function attributesOf(error: unknown): Readonly<Record<string, string>> {
  const data: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'data') : undefined;
  return typeof data === 'object' && data !== null ? (data as Readonly<Record<string, string>>) : {};
}

/** The first wait and the longest one. */
export type BackoffTimings = Pick<Timings, 'reconnectFirstMs' | 'reconnectMaxMs'>;

/** With the defaults, eight seconds between two connections that do not hold. */
const MAX_TRIES_AFTER_OPEN = 3;

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

  /** After a line that opened and did not hold: the network and the account are fine, so the waits stay short. */
  limit(): void {
    this.#tries = Math.min(this.#tries, MAX_TRIES_AFTER_OPEN);
  }
}
