const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Somebody asks for the end, or an error came that nobody caught: either way everything is taken back first. A second
 * signal ends the process at once.
 */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #onSignal = (name: NodeJS.Signals): void => {
    this.#stopListeningForSignals();
    this.#controller.abort(new Error(`Interrupted by ${name}`));
  };
  readonly #onError = (error: unknown): void => {
    this.#controller.abort(error instanceof Error ? error : new Error(String(error)));
  };

  constructor() {
    for (const name of SIGNALS) process.on(name, this.#onSignal);
    // A reader who has gone, such as "head": stays until the process ends, for the last words may be in the pipe.
    process.stdout.on('error', this.#onError);
    process.on('uncaughtException', this.#onError).on('unhandledRejection', this.#onError);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Everything is taken back: signals and errors have their ordinary effect again. */
  end(): void {
    this.#stopListeningForSignals();
    process.off('uncaughtException', this.#onError).off('unhandledRejection', this.#onError);
  }

  #stopListeningForSignals(): void {
    for (const name of SIGNALS) process.off(name, this.#onSignal);
  }
}
