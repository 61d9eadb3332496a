import type { Log } from '../log.ts';
import type { Timings } from '../timings.ts';
import { type DiskTrouble, troubleWords } from './disk.ts';

export interface DiskWatchOptions {
  readonly look: () => Promise<readonly DiskTrouble[]>;
  readonly log: Log;
  readonly timings: Pick<Timings, 'diskLookMs'>;
}

/**
 * Tells the log once when a disk takes nothing any more, and once when it does again.
 * - calm: nothing is looked at. Exit: something has met a trouble of the machine.
 * - looking: exits: a disk is to blame (told, troubled), or none is (calm).
 * - troubled: looks again and again. Exit: all disks take files (told, calm).
 */
export class DiskWatch {
  readonly #options: DiskWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #lastLook = Number.NEGATIVE_INFINITY;
  /** What was told. */
  #told: string | undefined;
  #stopped = false;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
  }

  /** Something has met a trouble of the machine: maybe a disk is full. */
  suspect(): void {
    if (this.#stopped || this.#isLooking || this.#timer !== undefined) return;
    const wait = Math.max(0, this.#lastLook + this.#options.timings.diskLookMs - performance.now());
    this.#lookIn(wait);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    this.#isLooking = true;
    const troubles = await this.#options.look();
    this.#isLooking = false;
    this.#lastLook = performance.now();
    if (this.#stopped) return;
    this.#tell(troubles);
    if (this.#told !== undefined) this.#lookIn(this.#options.timings.diskLookMs);
  }

  #tell(troubles: readonly DiskTrouble[]): void {
    const { log } = this.#options;
    const kinds = troubles.map(({ kind, folders }) => `${kind} ${folders.join()}`).join('; ');
    const now = kinds === '' ? undefined : kinds;
    if (now === this.#told) return;
    this.#told = now;
    if (now === undefined) {
      log.warn('The disk takes files again: what waited goes on by itself');
      return;
    }
    for (const trouble of troubles) {
      log.error(
        `${troubleWords(trouble)}. Messages, answers and tasks wait and nothing that was taken is lost; all goes on by itself when it can be written again. ${trouble.cure}`,
      );
    }
  }
}
