import { type Clock, MINUTE, SECOND } from './clock.ts';
import type { Log } from './log.ts';

/** A clock that was set, or a machine that slept, is noticed within this time at the latest. */
const LONGEST_SLEEP_MS = 15 * MINUTE;

/** Without a pause a failure of the host itself (a full disk, say) would repeat as fast as the machine can. */
export const FAILURE_PAUSE_MS = 10 * SECOND;

/**
 * Looks for work when it is woken, and by itself at the next instant at which there may be some: no polling.
 * A look that fails is logged and repeated after a pause.
 */
export class Waker {
  readonly #look: (now: number) => number | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param look does what is to be done and tells when to look again, in milliseconds since the epoch */
  constructor(look: (now: number) => number | undefined, clock: Clock, log: Log) {
    this.#look = look;
    this.#clock = clock;
    this.#log = log;
  }

  wake(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const now = this.#clock.now();
    const next = this.#tryToLook(now);
    if (next === undefined) return;
    // What is still due after a look could not be done: not at once again.
    const wait = next <= now ? SECOND : Math.min(next - now, LONGEST_SLEEP_MS);
    this.#timer = setTimeout(() => this.wake(), wait);
  }

  /** Looks no more. Calling it twice is harmless. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #tryToLook(now: number): number | undefined {
    try {
      return this.#look(now);
    } catch (error) {
      this.#log.error({ err: error }, 'The host failed to look for work, it will look again');
      return now + FAILURE_PAUSE_MS;
    }
  }
}

/** The earlier of two instants, either of which may be missing. */
export function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
