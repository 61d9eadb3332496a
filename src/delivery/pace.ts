import { type Clock, elapsedOf, SECOND } from '../clock.ts';

/** So much may be said at once, and so much more in the long run. */
export interface Rate {
  readonly burst: number;
  /** One more each so many milliseconds. */
  readonly everyMs: number;
}

export interface PaceLimits {
  readonly chat: Rate;
  readonly all: Rate;
}

/** A person in a hurry types like this; faster ones are taken for machines that send what nobody asked for. */
export const PACE: PaceLimits = {
  chat: { burst: 5, everyMs: SECOND },
  all: { burst: 20, everyMs: 1.5 * SECOND },
};

/** Which bucket of all chats is drawn from: answers to people who wait have the last of it for themselves. */
export type Urgency = 'answer' | 'bulk';

/** Of the burst of all chats so much is kept for answers. */
const KEPT_FOR_ANSWERS = 5;

/** How far a bucket is emptied: `full` is when it will be full again, as `elapsedOf` counts. */
interface Bucket {
  full: number;
}

/**
 * How fast messages leave, so that their rate does not get the number banned: a bucket of tokens per chat and one over
 * all chats. Nothing is kept across a restart, which takes longer than it takes to fill a bucket's first tokens.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #limits: PaceLimits;
  readonly #all: Bucket = { full: 0 };
  readonly #chats = new Map<string, Bucket>();

  constructor(clock: Clock, limits: PaceLimits = PACE) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** When a message to a chat may leave, in milliseconds since the epoch; an instant that has passed: now. */
  nextSend(chatJid: string, urgency: Urgency): number {
    const { chat, all } = this.#limits;
    const kept = urgency === 'answer' ? 0 : Math.min(KEPT_FOR_ANSWERS, all.burst - 1);
    const now = elapsedOf(this.#clock);
    const bucket = this.#chats.get(chatJid);
    const available = Math.max(
      bucket === undefined ? 0 : availableAt(bucket, chat, 0, now),
      availableAt(this.#all, all, kept, now),
    );
    return this.#clock.now() + available - now;
  }

  /** A message leaves. */
  take(chatJid: string): void {
    const now = elapsedOf(this.#clock);
    const bucket = this.#chats.get(chatJid) ?? { full: 0 };
    draw(bucket, this.#limits.chat, now);
    draw(this.#all, this.#limits.all, now);
    // Full buckets are as good as none: what is kept is bounded by what was sent just now.
    for (const [jid, { full }] of this.#chats) if (full <= now) this.#chats.delete(jid);
    this.#chats.set(chatJid, bucket);
  }
}

/** When a bucket has a token more than are kept. */
function availableAt(bucket: Bucket, { burst, everyMs }: Rate, kept: number, now: number): number {
  // Further off than an empty bucket needs is only what the clock said before it was set back.
  bucket.full = Math.min(bucket.full, now + burst * everyMs);
  return bucket.full - (burst - kept - 1) * everyMs;
}

function draw(bucket: Bucket, { everyMs }: Rate, now: number): void {
  bucket.full = Math.max(bucket.full, now) + everyMs;
}
