import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Limits } from './limits.ts';

interface Window {
  readonly startedAt: number;
  logged: number;
  suppressed: number;
}

/** Warnings per group, a few a minute: whoever floods a mailbox must not flood the log. */
export class Warnings {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #limits: Pick<Limits, 'warnings' | 'warningWindowMs'>;
  readonly #windows = new Map<string, Window>();

  constructor(log: Log, clock: Clock, limits: Pick<Limits, 'warnings' | 'warningWindowMs'>) {
    this.#log = log;
    this.#clock = clock;
    this.#limits = limits;
  }

  warn(folder: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    const now = this.#clock.now();
    let window = this.#windows.get(folder);
    // A clock that was set back must not silence a group for good.
    if (window === undefined || Math.abs(now - window.startedAt) >= this.#limits.warningWindowMs) {
      this.#tellSuppressed(folder, window);
      window = { startedAt: now, logged: 0, suppressed: 0 };
      this.#windows.set(folder, window);
    }
    if (window.logged < this.#limits.warnings) {
      window.logged += 1;
      this.#log.warn({ folder, ...fields }, message);
    } else window.suppressed += 1;
  }

  /** Says how many were kept back in windows that are over. Called now and then. */
  flush(): void {
    const now = this.#clock.now();
    for (const [folder, window] of this.#windows) {
      if (Math.abs(now - window.startedAt) < this.#limits.warningWindowMs) continue;
      this.#tellSuppressed(folder, window);
      this.#windows.delete(folder);
    }
  }

  #tellSuppressed(folder: string, window: Window | undefined): void {
    if (window === undefined || window.suppressed === 0) return;
    this.#log.warn({ folder, warnings: window.suppressed }, 'More mailbox warnings were kept back');
  }
}
