import { SECOND } from './clock.ts';
import type { Log } from './log.ts';
import type { Timings } from './timings.ts';

/** One Ctrl-C may come twice: from the terminal, and passed on by npm. */
const SAME_SIGNAL_MS = SECOND;

const NOT_WELL = 1;

export interface EndingOptions {
  /** Ends everything in order. Rejects when not all of it could be. */
  readonly stop: () => Promise<void>;
  readonly log: Log;
  readonly timings: Pick<Timings, 'shutdownWatchdogMs'>;
  /** Ends the process now. */
  readonly exit: (exitCode: number) => void;
}

/**
 * How the host's process ends.
 * - running. Exit: the first signal, or the host's own wish.
 * - ending: everything is being stopped. Exits: it has been (the code asked for, 1 where a step failed); a second signal, or the watchdog
 *   (at once, with 1: what is not settled is settled by the next start).
 */
export class Ending {
  readonly #options: EndingOptions;
  readonly #begun = new AbortController();
  #signalled: { readonly name: string; readonly at: number } | undefined;

  constructor(options: EndingOptions) {
    this.#options = options;
  }

  /** Aborted when the end begins. */
  get begun(): AbortSignal {
    return this.#begun.signal;
  }

  /** The system, an operator or a terminal asks. */
  onSignal(name: NodeJS.Signals): void {
    const { log, exit } = this.#options;
    const first = this.#signalled;
    if (first === undefined) {
      this.#signalled = { name, at: performance.now() };
      this.begin(0);
    } else if (name !== first.name || performance.now() - first.at > SAME_SIGNAL_MS) {
      log.warn(`Asked to end again by ${name}: ending at once`);
      exit(NOT_WELL);
    }
  }

  /** Only the first call counts. */
  begin(exitCode: number): void {
    if (this.#begun.signal.aborted) return;
    this.#begun.abort();
    const { stop, log, exit, timings } = this.#options;
    // Not unref(): where nothing else is left to wait for, the process would end as if all were well.
    setTimeout(() => {
      log.error('The shutdown hangs, ending now');
      exit(NOT_WELL);
    }, timings.shutdownWatchdogMs);
    stop().then(
      () => exit(exitCode),
      // What failed has been logged, or is a start that says so itself: before this.
      () => setImmediate(() => exit(NOT_WELL)),
    );
  }
}
