import type { Clock, NewId } from '../clock.ts';
import type { Log } from '../log.ts';
import { wellFormed } from '../protocol/graphemes.ts';
import type { InputFile } from '../protocol/input-file.ts';
import { CLOSE_SENTINEL, WRAP_UP_SENTINEL } from '../protocol/layout.ts';
import { hasFollowUps, writeInput } from './input-dir.ts';

export interface RunInputOptions {
  /** The group's `input/`, emptied. */
  readonly directory: string;
  /** After this instant, in milliseconds since the epoch, the time left is too short for follow-ups. */
  readonly acceptUntil: number;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
}

/**
 * What a running sandbox is told through `input/`.
 * - open: follow-ups are written.
 * - closed: `_close` was written, or the sandbox has ended. Nothing more is written.
 */
export class RunInput {
  readonly #options: RunInputOptions;
  #closed = false;

  constructor(options: RunInputOptions) {
    this.#options = options;
  }

  /** @returns false when the sandbox takes no more @throws the system's errors */
  async followUp(file: string, text: string, beforeSeen?: () => void): Promise<boolean> {
    const { clock, acceptUntil } = this.#options;
    if (this.#closed || clock.now() >= acceptUntil) return false;
    const content: InputFile = { type: 'message', text };
    await writeInput(this.#options.directory, file, JSON.stringify(content, wellFormed), { beforeSeen });
    return true;
  }

  /** Asks the agent to end after what it is doing. @returns false while a follow-up waits */
  async finish(): Promise<boolean> {
    if (this.#closed) return true;
    if (await this.#hasFollowUps()) return false;
    // Looked at again: another call may have been faster.
    if (!this.#closed) {
      this.#closed = true;
      await this.#say(CLOSE_SENTINEL);
    }
    return true;
  }

  /** Asks the agent to answer with what it has, because its time is nearly up. */
  async wrapUp(): Promise<void> {
    if (!this.#closed) await this.#say(WRAP_UP_SENTINEL);
  }

  /** The sandbox has ended. */
  close(): void {
    this.#closed = true;
  }

  /** The directory is the sandbox's own: one that has locked it has nothing to wait for. */
  async #hasFollowUps(): Promise<boolean> {
    try {
      return await hasFollowUps(this.#options.directory);
    } catch (error) {
      this.#options.log.warn({ error }, 'Input directory cannot be looked at');
      return false;
    }
  }

  /** A sandbox that cannot be asked is ended by its deadline. */
  async #say(sentinel: string): Promise<void> {
    try {
      const { directory, newId } = this.#options;
      await writeInput(directory, sentinel, '', { temporary: `.${newId()}.tmp` });
    } catch (error) {
      this.#options.log.debug({ sentinel, error: (error as Error).message }, 'Sentinel not written');
    }
  }
}
