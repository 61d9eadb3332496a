import { type Clock, SECOND } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { Waker } from '../waker.ts';

export interface MergingOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: Pick<Timings, 'workFailurePauseMs'>;
}

/**
 * Merges what is stored under two addresses of one person. While the database takes nothing, that waits in memory; a process
 * that ends then is told of it again.
 */
export class Merging {
  readonly #store: Store;
  readonly #log: Log;
  readonly #waiting: { readonly from: string; readonly to: string }[] = [];
  readonly #waker: Waker;

  constructor(options: MergingOptions) {
    this.#store = options.store;
    this.#log = options.log;
    this.#waker = new Waker((now) => this.#merge(now), options);
  }

  /** @returns whether it is committed; false: as soon as the database lets it */
  onSamePerson(from: string, to: string): boolean {
    const isWaiting = this.#waiting.some((pair) => pair.from === from && pair.to === to);
    if (!isWaiting) {
      this.#waiting.push({ from, to });
      if (this.#waiting.length === 1) this.#waker.wake();
    }
    return this.#waiting.length === 0;
  }

  /** Tries a last time and keeps nothing running. */
  stop(): void {
    this.#waker.wake();
    this.#waker.stop();
  }

  #merge(now: number): number | undefined {
    for (let pair = this.#waiting[0]; pair !== undefined; pair = this.#waiting[0]) {
      try {
        const folder = this.#store.samePerson.merge(pair.from, pair.to);
        if (folder !== undefined) {
          const facts = { ...pair, folder };
          this.#log.warn(facts, 'A chat was active under two addresses: one folder is not used any more');
        }
      } catch (error) {
        this.#log.error(
          { err: error, ...pair },
          'Two addresses cannot be merged yet, it will be tried again',
        );
        return now + SECOND;
      }
      this.#waiting.shift();
    }
    return undefined;
  }
}
