import { setImmediate as nextTurn } from 'node:timers/promises';
import { isPassing } from '../machine-trouble.ts';
import type { Timings } from '../timings.ts';
import type { Directories } from './directories.ts';
import { NotDrainedError } from './errors.ts';
import type { RawName } from './file-name.ts';
import type { ClaimedFile, Found, Intake } from './intake.ts';
import type { Limits } from './limits.ts';
import type { Processor } from './processor.ts';
import type { Quarantine } from './quarantine.ts';
import type { Warnings } from './warnings.ts';

export interface FolderServices {
  readonly directories: Pick<Directories, 'of'>;
  readonly intake: Intake;
  readonly processor: Processor;
  readonly quarantine: Quarantine;
  readonly limits: Limits;
  readonly timings: Pick<Timings, 'mailboxSettleMs' | 'mailboxDrainMs' | 'workFailurePauseMs'>;
  readonly warnings: Warnings;
  /** Asks for a turn of `work`. */
  readonly wake: (mailbox: FolderMailbox) => void;
  /** So much lies in a folder that it must not be watched, or (false) no more. */
  readonly backlog: (folder: string, heavy: boolean) => void;
}

interface Settling {
  readonly file: ClaimedFile;
  readonly signature: string;
  readonly looks: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * One group's mailbox. A file's states:
 * - waiting: in one of its directories. Exits: claimed; stuck (it cannot be moved: remembered, recorded once).
 * - claimed: in `ipc-claimed`. Exits: done (unlinked or in quarantine), settling, deferred. When the machine fails (a full
 *   disk) it stays claimed, and the next listing finds it first; after a pause there is one.
 * - settling: claimed, but does not parse yet. A timer looks again; exits: done.
 * - deferred: claimed, somebody else is being asked. Exits: done, or after a stop the next start.
 *
 * Work goes by passes: a pass lists what is there and works it through in batches; a ring during a pass asks for one more.
 * Batches of one folder never overlap, whoever asks for them.
 */
export class FolderMailbox {
  readonly folder: string;
  readonly #services: FolderServices;
  /** Last first: the next one is popped. */
  #claimed: ClaimedFile[] = [];
  #found: Found[] = [];
  readonly #settling = new Map<string, Settling>();
  readonly #deferred = new Map<string, Promise<void>>();
  readonly #stuck = new Map<string, string>();
  readonly #stuckClaims = new Set<string>();
  #passesAsked = 0;
  #passesListed = 0;
  #passesDone = 0;
  /** Whether more lies there than this pass may take. */
  #heldBack = false;
  #takenInPass = 0;
  #heavy = false;
  #tail: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];
  #stopped = false;
  /** How often the machine did not let a batch be ended, and why the last time. */
  #failures = 0;
  #failure: unknown;
  #retry: NodeJS.Timeout | undefined;

  constructor(folder: string, services: FolderServices) {
    this.folder = folder;
    this.#services = services;
  }

  /** Something may have come. */
  ring(): void {
    this.#passesAsked += 1;
    this.#services.wake(this);
  }

  get hasWork(): boolean {
    if (this.#stopped) return false;
    return this.#queued || this.#passesDone < this.#passesAsked;
  }

  /** Takes one batch. Never rejects: failures are logged and tried again by a later pass. */
  work(): Promise<void> {
    this.#tail = this.#tail.then(() => this.#batch());
    return this.#tail;
  }

  /**
   * Takes everything that lies there now, and waits a bounded time for files that are still being written.
   * @throws NotDrainedError when the machine does not let all of it be taken now
   */
  async drain(): Promise<void> {
    const failuresBefore = this.#failures;
    let budget = this.#services.timings.mailboxDrainMs;
    do {
      this.#passesAsked += 1;
      const pass = this.#passesAsked;
      while (this.#passesDone < pass && !this.#stopped) {
        await this.work();
        await nextTurn();
      }
      if (this.#failures > failuresBefore) throw new NotDrainedError(this.folder, this.#failure);
      const before = performance.now();
      await this.#settled([...this.#settling.keys()], budget);
      budget -= performance.now() - before;
    } while (this.#heldBack && budget > 0 && !this.#stopped);
  }

  /** Ends after the file at hand; what is claimed stays claimed for the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#tellWaiting();
    await this.#tail;
    for (const { timer } of this.#settling.values()) clearTimeout(timer);
    await Promise.all(this.#deferred.values());
  }

  get #queued(): boolean {
    return this.#claimed.length > 0 || this.#found.length > 0;
  }

  async #batch(): Promise<void> {
    try {
      if (!this.#queued && this.#passesListed < this.#passesAsked && !this.#stopped) await this.#list();
      for (let taken = 0; taken < this.#services.limits.batch && !this.#stopped; taken += 1) {
        if (!(await this.#takeNext())) break;
      }
    } catch (error) {
      // The machine's trouble, not this file's: the rest would meet it too. The next pass begins where this one ended.
      this.#services.warnings.warn(this.folder, 'Mailbox waits: files cannot be taken just now', { error });
      this.#failures += 1;
      this.#failure = error;
      this.#claimed = this.#claimed.filter(({ id }) => this.#settling.has(id));
      this.#found = [];
      this.#heldBack = false;
      this.#retryLater();
    }
    if (!this.#queued) this.#endPass();
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    if (this.#stopped) return;
    this.#retry = setTimeout(() => this.ring(), this.#services.timings.workFailurePauseMs);
  }

  #endPass(): void {
    this.#passesDone = this.#passesListed;
    // A listing that was cut goes on, unless nothing of it could be taken: then only a later ring makes sense.
    if (this.#heldBack && this.#takenInPass > 0 && this.#settling.size === 0) this.#passesAsked += 1;
    this.#takenInPass = 0;
    if (!this.hasWork) this.#setHeavy(false);
  }

  #setHeavy(heavy: boolean): void {
    if (heavy === this.#heavy) return;
    this.#heavy = heavy;
    this.#services.backlog(this.folder, heavy);
  }

  async #list(): Promise<void> {
    const { directories, intake, limits } = this.#services;
    this.#passesListed = this.#passesAsked;
    this.#heldBack = false;
    const claimed = await intake.claimedIn(this.folder);
    const isNew = ({ id }: ClaimedFile): boolean =>
      !this.#settling.has(id) && !this.#deferred.has(id) && !this.#stuckClaims.has(id);
    // What a settling file's timer has put there meanwhile stays.
    this.#claimed = [...claimed.filter(isNew).reverse(), ...this.#claimed];
    if (claimed.length >= limits.listing) this.#heldBack = true;
    const found: Found[] = [];
    for (const directory of directories.of(this.folder)) {
      const listing = await intake.list(this.folder, directory, (one) => this.#isStuck(one));
      if (listing.cut) this.#heldBack = true;
      for (const one of listing.found) found.push(one);
    }
    this.#found = found.reverse();
    if (found.length > limits.backlog) this.#setHeavy(true);
  }

  /** @returns false when there is nothing to take now */
  async #takeNext(): Promise<boolean> {
    const file = this.#claimed.pop();
    if (file !== undefined) {
      await this.#process(file);
      return true;
    }
    if (this.#settling.size >= this.#services.limits.settlingFiles) {
      if (this.#found.length > 0) this.#heldBack = true;
      this.#found = [];
      return false;
    }
    const found = this.#found.pop();
    if (found === undefined) return false;
    const attempt = await this.#services.intake.claim(this.folder, found);
    if (attempt.kind === 'claimed') await this.#process(attempt.file);
    if (attempt.kind === 'stuck') {
      this.#stuck.set(keyOf(found), attempt.identity);
      await this.#services.quarantine.record(this.folder, found.name, attempt.reason);
    }
    return true;
  }

  async #process(file: ClaimedFile): Promise<void> {
    this.#takenInPass += 1;
    const { processor } = this.#services;
    try {
      const processed = await processor.process(file);
      if (processed.kind === 'unsettled') return await this.#settle(file, processed);
      this.#forget(file.id);
      if (processed.kind === 'deferred') this.#defer(file.id, processed.ended);
    } catch (error) {
      this.#forget(file.id);
      if (isPassing(error)) throw error;
      await this.#giveUp(file, error);
    }
  }

  /** A claimed file that not even quarantine can take, such as a directory without rights, stays where it is. */
  async #giveUp(file: ClaimedFile, error: unknown): Promise<void> {
    this.#stuckClaims.add(file.id);
    this.#services.warnings.warn(this.folder, 'A claimed mailbox file stays where it is', {
      error,
      claim: file.id,
    });
    const name = file.name ?? (file.id as RawName);
    await this.#services.quarantine.record(this.folder, name, 'cannot be moved out of the claimed files');
  }

  async #settle(file: ClaimedFile, look: { reason: string; signature: string }): Promise<void> {
    const { limits, processor, timings } = this.#services;
    const last = this.#settling.get(file.id);
    const looks = (last?.looks ?? 0) + 1;
    if (last?.signature === look.signature || looks > limits.settleLooks) {
      await processor.refuse(last?.file ?? file, look.reason);
      this.#forget(file.id);
      return;
    }
    const timer = setTimeout(() => {
      this.#claimed.push(last?.file ?? file);
      this.#services.wake(this);
    }, timings.mailboxSettleMs);
    this.#settling.set(file.id, { file: last?.file ?? file, signature: look.signature, looks, timer });
  }

  #defer(id: string, ended: Promise<void>): void {
    this.#deferred.set(
      id,
      ended.finally(() => this.#deferred.delete(id)),
    );
  }

  #forget(id: string): void {
    if (!this.#settling.delete(id)) return;
    this.#tellWaiting();
    if (this.#heldBack && this.#settling.size === 0) this.ring();
  }

  async #isStuck(found: Found): Promise<boolean> {
    const known = this.#stuck.get(keyOf(found));
    if (known === undefined) return false;
    if (known === (await this.#services.intake.identify(found))) return true;
    this.#stuck.delete(keyOf(found));
    return false;
  }

  /** Resolves when none of these files is settling any more, or after `most` milliseconds. */
  async #settled(ids: readonly string[], most: number): Promise<void> {
    let late = false;
    const timer = setTimeout(
      () => {
        late = true;
        this.#tellWaiting();
      },
      Math.max(most, 0),
    );
    try {
      while (!late && !this.#stopped && ids.some((id) => this.#settling.has(id))) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
    if (late && ids.some((id) => this.#settling.has(id))) {
      this.#services.warnings.warn(
        this.folder,
        'A mailbox file is still being written and is not waited for',
        {},
      );
    }
  }

  #tellWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function keyOf({ directory, name }: Found): string {
  return `${directory}/${name}`;
}
