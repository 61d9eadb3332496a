import { setImmediate as nextTurn } from 'node:timers/promises';

/** Somebody with work to do in small pieces. */
export interface Worker {
  readonly hasWork: boolean;
  /** One piece. Never rejects. */
  work(): Promise<void>;
}

/** Gives each of those who have work one piece after the other, and the event loop its turn between any two. */
export class RoundRobin {
  readonly #ready = new Set<Worker>();
  #going: Promise<void> | undefined;
  #stopped = false;

  wake(worker: Worker): void {
    if (this.#stopped) return;
    this.#ready.add(worker);
    this.#going ??= this.#go();
  }

  /** Resolves when nobody has work, or after a stop. */
  async idle(): Promise<void> {
    await this.#going;
  }

  /** Ends after the piece at hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#going;
  }

  async #go(): Promise<void> {
    // Whoever wakes several in a row finds them all in the first round.
    await nextTurn();
    for (const worker of this.#ready) {
      if (this.#stopped) break;
      this.#ready.delete(worker);
      if (worker.hasWork) await worker.work();
      if (worker.hasWork) this.#ready.add(worker);
      await nextTurn();
    }
    this.#going = undefined;
  }
}
