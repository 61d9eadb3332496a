import { type Clock, HOUR, SECOND } from './clock.ts';
import type { Log } from './log.ts';
import type { Timings } from './timings.ts';

/**
 * A clock that was set, or a machine that slept, is noticed within this time: timers count the time for which
 * a machine is awake. While work is due within the hour each tick looks for it; before, a tick only compares
 * the clock.
 */
export const TICK_MS = 30 * SECOND;
/**
 * A tick that comes so much later or earlier than the clock said was moved by a sleep, or the clock was set.
 */
const ON_TIME_MS = 5 * SECOND;

export interface WakerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Without a pause a failure of the host itself would repeat as fast as the machine can. */
  readonly timings: Pick<Timings, 'workFailurePauseMs'>;
}

/**
 * Looks for work when it is woken, and by itself at the next instant at which there may be some: no polling.
 * A look that fails is logged and repeated after a pause.
 */
export class Waker {
  readonly #look: (now: number) => number | undefined;
  readonly #options: WakerOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param look does what is to be done and tells when to look again, in milliseconds since the epoch */
  constructor(look: (now: number) => number | undefined, options: WakerOptions) {
    this.#look = look;
    this.#options = options;
  }

  wake(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const now = this.#options.clock.now();
    const next = this.#tryToLook(now);
    if (next !== undefined) this.#wait(next, now);
  }

  #wait(next: number, now: number): void {
    // What is still due after a look could not be done: not at once again.
    const wait = next <= now ? SECOND : Math.min(next - now, TICK_MS);
    this.#timer = setTimeout(() => {
      const then = this.#options.clock.now();
      const isOnTime = Math.abs(then - now - wait) < ON_TIME_MS;
      if (isOnTime && next - then > HOUR) this.#wait(next, then);
      else this.wake();
    }, wait);
  }

  /** Looks no more. Calling it twice is harmless. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #tryToLook(now: number): number | undefined {
    const { log, timings } = this.#options;
    try {
      return this.#look(now);
    } catch (error) {
      log.error({ err: error }, 'The host failed to look for work, it will look again');
      return now + timings.workFailurePauseMs;
    }
  }
}

/** The earlier of two instants, either of which may be missing. */
export function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
