import { link, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Channel, FetchOutcome } from '../channel/channel.ts';
import { type Clock, type NewId, Pauses } from '../clock.ts';
import type { Log } from '../log.ts';
import { codeOf, isPassing } from '../machine-trouble.ts';
import type { WaitingAttachment } from '../store/attachments.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { earlier, Waker } from '../waker.ts';
import { attachmentName } from './file-name.ts';
import { type FoundType, sniff } from './sniff.ts';
import type { Transcriber } from './transcriber.ts';

export interface AttachmentsOptions {
  readonly store: Store;
  readonly channel: Pick<Channel, 'fetch' | 'state'>;
  /** `data/attachments`: each group's sandbox sees its own folder, read-only. */
  readonly directory: string;
  /** Where files come in, out of every sandbox's sight; on the same file system. */
  readonly incoming: string;
  /** More than this is not fetched. */
  readonly maxBytes: number;
  /** Undefined: voice notes are files like others. */
  readonly transcriber: Transcriber | undefined;
  /** Whether spoken words call the assistant of a group with that trigger. */
  readonly callsAloud: (words: string, trigger: string) => boolean;
  /**
   * Until when a voice note that triggers is to wait, in milliseconds since the epoch. Asked in the
   * transaction that stores its words.
   */
  readonly heldUntil: (note: WaitingAttachment) => number | undefined;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  /** A file is given up after the last delay. A deferred fetch does not count: there may be no network at all. */
  readonly timings: Pick<Timings, 'workFailurePauseMs' | 'attachmentRetryDelaysMs' | 'attachmentDeferMs'>;
}

const MOST_AT_ONCE = 3;
/** Whoever floods a chat with files that come slowly or never holds up no other chat. */
const MOST_OF_A_CHAT = 2;

/** Words of a voice note, or why there are none. */
interface Words {
  readonly transcript?: string | undefined;
  readonly error?: string | undefined;
}

/**
 * Brings the files of messages in. A file is fetched out of the sandboxes' sight, looked at, and only then linked into its group's folder, under
 * a name that the row holds already: after a crash nothing lies about that no row knows, and what waits is tried again.
 */
export class Attachments {
  readonly #options: AttachmentsOptions;
  readonly #waker: Waker;
  readonly #underWay = new Map<number, { readonly chatJid: string; readonly done: Promise<void> }>();
  /** Files that this process tries again, or could not settle. */
  readonly #resting: Pauses<number>;
  readonly #abort = new AbortController();
  #started = false;

  constructor(options: AttachmentsOptions) {
    this.#options = options;
    this.#resting = new Pauses(options.clock);
    this.#waker = new Waker((now) => this.#look(now), options);
  }

  /**
   * Removes what a crash has left half fetched, and begins.
   * @throws the system's errors
   */
  async start(): Promise<void> {
    const { incoming, directory } = this.#options;
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    await mkdir(directory, { recursive: true, mode: 0o755 });
    this.#started = true;
    this.#waker.wake();
  }

  /** Fetches what is due: on the bell `attachments`. Nothing before the start. */
  wake(): void {
    if (this.#started) this.#waker.wake();
  }

  /** Breaks off what is under way: it waits for the next start. */
  async stop(): Promise<void> {
    this.#waker.stop();
    this.#abort.abort();
    await Promise.all([...this.#underWay.values()].map(({ done }) => done));
  }

  #look(now: number): number | undefined {
    const { attachmentRetryDelaysMs, attachmentDeferMs } = this.#options.timings;
    const longestPauseMs = Math.max(...attachmentRetryDelaysMs, attachmentDeferMs);
    let next: number | undefined;
    for (const row of this.#options.store.attachments.waiting()) {
      if (this.#underWay.has(row.seq)) continue;
      const rest = this.#resting.left(row.seq);
      // Further off than any pause is only what the clock said before it was set back.
      const stored = row.notBefore <= now + longestPauseMs ? row.notBefore : now;
      const notBefore = rest === undefined ? stored : now + rest;
      if (notBefore > now) next = earlier(next, notBefore);
      else if (this.#hasRoomFor(row)) this.#begin(row);
    }
    return next;
  }

  #hasRoomFor({ chatJid }: WaitingAttachment): boolean {
    const underWay = [...this.#underWay.values()];
    const ofChat = underWay.filter((other) => other.chatJid === chatJid);
    return underWay.length < MOST_AT_ONCE && ofChat.length < MOST_OF_A_CHAT;
  }

  #begin(row: WaitingAttachment): void {
    const { log, timings } = this.#options;
    this.#resting.end(row.seq);
    const done = this.#bringIn(row)
      .catch((error: unknown) => this.#notKept(row, error))
      .catch((error: unknown) => {
        this.#resting.begin(row.seq, timings.workFailurePauseMs);
        log.error({ err: error, attachment: row.seq }, 'An attachment could not be settled');
      })
      .finally(() => {
        this.#underWay.delete(row.seq);
        this.#waker.wake();
      });
    this.#underWay.set(row.seq, { chatJid: row.chatJid, done });
  }

  async #bringIn(row: WaitingAttachment): Promise<void> {
    const { store, channel, incoming, directory, maxBytes, clock } = this.#options;
    const { folder } = row;
    if (row.isDeleted) return this.#giveUp(row, 'its message was taken back');
    if (folder === null) return this.#giveUp(row, 'its chat is not registered any more');
    if (row.file !== null) await rm(join(directory, row.file), { force: true });
    const temporary = join(incoming, `${row.seq}`);
    await rm(temporary, { force: true });
    try {
      const outcome = await channel.fetch(row.reference, temporary, maxBytes, this.#abort.signal);
      if (outcome.kind !== 'fetched') return this.#notFetched(row, outcome);
      const type = await sniff(temporary);
      const words = await this.#wordsOf(row, temporary);
      if (this.#abort.signal.aborted) return;
      const file = await this.#place(row, folder, temporary, type);
      store.transaction(() => {
        const found = { file, mimeType: type.mimeType, bytes: outcome.bytes, ...words };
        store.attachments.saved(row, found, clock.now());
        this.#listen(row, words);
      });
    } finally {
      // What stays is replaced by the next try, and removed by the next start.
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  #listen(row: WaitingAttachment, { transcript }: Words): void {
    const { store, callsAloud, heldUntil, newId } = this.#options;
    if (transcript === undefined || !callsAloud(transcript, row.trigger ?? '')) return;
    const until = heldUntil(row);
    if (until !== undefined) store.messages.hold(row.messageSeq, until);
    else store.messages.callAloud(row.messageSeq, transcript, newId());
  }

  /** Links the file into its group's folder: never over another one. @returns its path below `data/attachments` */
  async #place(row: WaitingAttachment, folder: string, temporary: string, type: FoundType): Promise<string> {
    const { store, directory, clock, newId } = this.#options;
    const name = attachmentName(clock.now(), newId(), row.fileName ?? row.kind, type.extension);
    const file = `${folder}/${name}`;
    await mkdir(join(directory, folder), { recursive: true, mode: 0o755 });
    store.attachments.plan(row.seq, file);
    await link(temporary, join(directory, file));
    return file;
  }

  async #wordsOf(row: WaitingAttachment, file: string): Promise<Words> {
    const { transcriber, log } = this.#options;
    if (transcriber === undefined || row.kind !== 'voice') return {};
    try {
      return { transcript: await transcriber.transcribe(file, this.#abort.signal) };
    } catch (error) {
      if (this.#abort.signal.aborted) return {};
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ attachment: row.seq, reason }, 'A voice note could not be transcribed');
      return { error: 'transcription failed' };
    }
  }

  #notFetched(row: WaitingAttachment, outcome: Exclude<FetchOutcome, { kind: 'fetched' }>): void {
    if (this.#abort.signal.aborted) return;
    if (outcome.kind === 'failed') this.#failed(row, outcome.reason);
    else if (outcome.kind === 'gone') this.#giveUp(row, outcome.reason);
    else this.#giveUp(row, `it is larger than ${inMegabytes(this.#options.maxBytes)}`);
  }

  /** A machine without room is no fault of the file's: it is tried as often as that takes. */
  #notKept(row: WaitingAttachment, error: unknown): void {
    const { store, clock, log, timings } = this.#options;
    const reason = `the host could not keep it (${wordsFor(error)})`;
    if (!isPassing(error)) {
      this.#failed(row, reason, error);
      return;
    }
    log.warn({ attachment: row.seq, reason, err: error }, 'An attachment waits');
    store.attachments.putOff(row.seq, clock.now() + timings.attachmentDeferMs, reason);
    this.#resting.begin(row.seq, timings.attachmentDeferMs);
  }

  /** Tries again after a pause, or gives up after the last. Nothing is given up while the line is away. */
  #failed(row: WaitingAttachment, reason: string, error?: unknown): void {
    const { store, clock, log, channel, timings } = this.#options;
    if (channel.state.status === 'connecting') {
      store.attachments.putOff(row.seq, clock.now() + timings.attachmentDeferMs, reason);
      this.#resting.begin(row.seq, timings.attachmentDeferMs);
      return;
    }
    const pause = timings.attachmentRetryDelaysMs[row.tries];
    log.warn(
      { attachment: row.seq, tries: row.tries + 1, reason, err: error },
      'An attachment was not fetched',
    );
    if (pause === undefined) {
      this.#giveUp(row, reason);
      return;
    }
    store.attachments.tryAgain(row.seq, clock.now() + pause, reason);
    this.#resting.begin(row.seq, pause);
  }

  #giveUp(row: WaitingAttachment, reason: string): void {
    const { store, clock, log } = this.#options;
    store.attachments.failed(row.seq, reason, clock.now());
    log.info({ attachment: row.seq, reason }, 'An attachment is given up');
  }
}

function wordsFor(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'SQLITE_FULL') return 'the disk is full';
  return code === '' ? 'an error of its own' : code;
}

function inMegabytes(bytes: number): string {
  return `${Math.floor(bytes / 1_048_576)} MB`;
}
