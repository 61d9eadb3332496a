import { type Clock, SECOND } from '../clock.ts';
import type { Log } from '../log.ts';
import { isPassing } from '../machine-trouble.ts';
import type { Timings } from '../timings.ts';
import { Waker } from '../waker.ts';
import { isTroubleOfDatabase } from './database.ts';
import type { Store } from './store.ts';

export interface CommitQueueOptions {
  readonly store: Pick<Store, 'transaction'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: Pick<Timings, 'workFailurePauseMs'>;
}

/** Something to write. It may be tried several times, and is committed once. */
interface Write {
  /** In words, for the log. */
  readonly what: string;
  readonly write: () => void;
}

/**
 * What the channel tells once and the database must not forget: written at once, in order, and kept in memory while the
 * database takes nothing (an operator's open transaction, a full disk). A write that itself is what fails is logged and
 * holds up no other.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #waiting: Write[] = [];
  readonly #waker: Waker;
  #batches = 0;
  /** Whether the last try met a database that takes nothing at all just now. */
  #isShutOut = false;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#waker = new Waker((now) => this.#commit(now), options);
  }

  /**
   * Never throws.
   * @param what in words, for the log
   * @param write may be tried several times
   * @returns whether it is committed; false: as soon as the database allows it, or with the batch that it belongs to
   */
  add(what: string, write: () => void): boolean {
    const entry = { what, write };
    this.#waiting.push(entry);
    // Behind others that wait, this one's turn comes when the timer fires.
    if (this.#batches === 0 && this.#waiting.length === 1) this.#waker.wake();
    return !this.#waiting.includes(entry);
  }

  /** Commits all that `tell` adds in one transaction: subscribers of the store's events run once. */
  together(tell: () => void): void {
    const isFirst = this.#waiting.length === 0;
    this.#batches += 1;
    try {
      tell();
    } finally {
      this.#batches -= 1;
      if (this.#batches === 0 && isFirst && this.#waiting.length > 0) this.#waker.wake();
    }
  }

  /**
   * For what has to be stored behind all that was added before it. Never throws.
   * @returns false: the database takes nothing just now, that neither
   */
  flush(): boolean {
    if (this.#batches === 0 && this.#waiting.length > 0) this.#waker.wake();
    return this.#waiting.length === 0 || !this.#isShutOut;
  }

  /** Tries a last time and keeps nothing running. */
  stop(): void {
    this.#waker.wake();
    this.#waker.stop();
  }

  #commit(now: number): number | undefined {
    const { store } = this.#options;
    const batch = [...this.#waiting];
    if (batch.length === 0) return undefined;
    try {
      store.transaction(() => {
        for (const { write } of batch) write();
      });
      this.#waiting.splice(0, batch.length);
      return undefined;
    } catch (error) {
      if (isTroubleOfDatabase(error)) return this.#waitAfter(error, now);
    }
    return this.#commitEach(now);
  }

  /** One of them is itself what fails. */
  #commitEach(now: number): number | undefined {
    const { store, log } = this.#options;
    for (let entry = this.#waiting[0]; entry !== undefined; entry = this.#waiting[0]) {
      try {
        store.transaction(entry.write);
      } catch (error) {
        if (isTroubleOfDatabase(error)) return this.#waitAfter(error, now);
        log.error({ err: error }, `Recording ${entry.what} failed`);
      }
      this.#waiting.shift();
    }
    return undefined;
  }

  #waitAfter(error: unknown, now: number): number {
    this.#isShutOut = isPassing(error);
    const facts = { err: error, waiting: this.#waiting.length };
    this.#options.log.error(facts, `Recording ${this.#waiting[0]?.what} has to wait; retrying in 1 s`);
    return now + SECOND;
  }
}
