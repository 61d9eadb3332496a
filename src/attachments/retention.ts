import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, HOUR, parseInstant, SECOND } from '../clock.ts';
import type { Log } from '../log.ts';
import type { KeptAttachment } from '../store/attachments.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { Waker } from '../waker.ts';

export interface RetentionOptions {
  readonly store: Store;
  /** `data/attachments`. */
  readonly directory: string;
  /** How many days a file is kept; 0: for ever. */
  readonly days: number;
  /** How many bytes all of them may have. */
  readonly maxTotalBytes: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: Pick<Timings, 'workFailurePauseMs'>;
}

const DAY = 24 * HOUR;

/** Each sweep looks at all that is kept: a burst of files is worth no more than one in so long. */
const REST_MS = SECOND;

/** Lets go of files that were kept long enough, whose message was taken back, or for which there is no room: at the start, on the bell, and once a day. */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #waker: Waker;
  #sweeping: Promise<void> = Promise.resolve();
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#waker = new Waker((now) => {
      const sinceLast = now - this.#sweptAt;
      // Less than nothing: the clock was set back.
      if (sinceLast >= 0 && sinceLast < REST_MS) return this.#sweptAt + REST_MS;
      this.#sweptAt = now;
      void this.sweep(now);
      return now + DAY;
    }, options);
  }

  /** Looks at once: at the start, and on the bell `attachments`. */
  wake(): void {
    this.#waker.wake();
  }

  /** Never rejects. @param now milliseconds since the epoch */
  sweep(now: number): Promise<void> {
    this.#sweeping = this.#sweeping
      .then(() => this.#sweep(now))
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'Old attachments could not be removed');
      });
    return this.#sweeping;
  }

  async stop(): Promise<void> {
    this.#waker.stop();
    await this.#sweeping;
  }

  async #sweep(now: number): Promise<void> {
    const { store, days, maxTotalBytes } = this.#options;
    const oldest = days === 0 ? Number.NEGATIVE_INFINITY : now - days * DAY;
    const kept: KeptAttachment[] = [];
    for (const file of store.attachments.kept()) {
      if (file.isDeleted) await this.#remove(file, 'its message was taken back', now);
      else if (parseInstant(file.settledAt) < oldest)
        await this.#remove(file, `files are kept for ${days} days`, now);
      else kept.push(file);
    }
    for (const file of overTheCap(kept, maxTotalBytes))
      await this.#remove(file, 'it made room for newer files', now);
  }

  /** The file first: after a crash between the two the row still names it, and it is removed once more. */
  async #remove({ seq, file }: KeptAttachment, reason: string, now: number): Promise<void> {
    const { store, directory, log } = this.#options;
    await rm(join(directory, file), { force: true });
    store.attachments.removed(seq, reason, now);
    log.debug({ file, reason }, 'An attachment was removed');
  }
}

/**
 * What makes room: the oldest files of whichever folder holds the most. Whoever floods one chat loses what lies there, not what
 * lies in others.
 * @param kept the oldest first
 */
function overTheCap(kept: readonly KeptAttachment[], maxTotalBytes: number): readonly KeptAttachment[] {
  const folders = [...new Set(kept.map(folderOf))].map((folder) => {
    const files = kept.filter((file) => folderOf(file) === folder);
    return { files, bytes: bytesOf(files) };
  });
  let total = bytesOf(kept);
  const gone: KeptAttachment[] = [];
  while (total > maxTotalBytes) {
    const [fullest] = folders.toSorted((one, other) => other.bytes - one.bytes);
    const oldest = fullest?.files.shift();
    if (fullest === undefined || oldest === undefined) break;
    gone.push(oldest);
    fullest.bytes -= oldest.bytes;
    total -= oldest.bytes;
  }
  return gone;
}

function folderOf({ file }: KeptAttachment): string {
  return file.slice(0, file.indexOf('/'));
}

function bytesOf(files: readonly KeptAttachment[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
