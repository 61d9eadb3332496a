import type { Log } from '../log.ts';
import type { MailboxResult } from '../protocol/host-files.ts';

/** Asks the platform for all groups. Who asks while it is being asked shares the answer. */
export class GroupSync {
  readonly #ask: () => Promise<number>;
  readonly #timeoutMs: number;
  readonly #log: Log;
  readonly #stopped = new AbortController();
  #underWay: Promise<MailboxResult> | undefined;

  /** @param timeoutMs how long one answer is waited for, in milliseconds */
  constructor(ask: () => Promise<number>, timeoutMs: number, log: Log) {
    this.#ask = ask;
    this.#timeoutMs = timeoutMs;
    this.#log = log;
  }

  /** @returns the answer for the agent; undefined when the host stops: then it is asked again after the next start */
  async run(): Promise<MailboxResult | undefined> {
    if (this.#stopped.signal.aborted) return undefined;
    this.#underWay ??= this.#once().finally(() => {
      this.#underWay = undefined;
    });
    const result = await this.#underWay;
    return this.#stopped.signal.aborted ? undefined : result;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #once(): Promise<MailboxResult> {
    const { signal } = this.#stopped;
    let end: () => void = () => undefined;
    const ended = new Promise<MailboxResult>((resolve) => {
      const late = {
        ok: false,
        error: 'The list of groups did not come in time. Try again in a minute.',
      } as const;
      end = () => resolve(late);
    });
    const timer = setTimeout(end, this.#timeoutMs);
    signal.addEventListener('abort', end);
    try {
      return await Promise.race([this.#answer(), ended]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
  }

  async #answer(): Promise<MailboxResult> {
    try {
      return { ok: true, groups: await this.#ask() };
    } catch (error) {
      this.#log.debug({ error }, 'The groups could not be synchronised');
      return { ok: false, error: 'The line is away just now. Try again in a minute.' };
    }
  }
}
