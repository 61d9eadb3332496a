import { watch } from 'node:fs';
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { wellFormed } from '../../../src/protocol/graphemes.ts';
import { InputFile } from '../../../src/protocol/input-file.ts';
import { CLOSE_SENTINEL, WRAP_UP_SENTINEL } from '../../../src/protocol/layout.ts';
import type { FollowUps } from './providers/provider.ts';

/** Events do not cross every virtual machine's border: the directory is looked at this often besides. */
const RELOOK_MS = 500;

/** What the host puts into `input/` while the agent works: follow-ups, and the sentinels that ask it to finish. */
export class Inbox implements FollowUps {
  readonly #directory: string;
  readonly #idleMs: number;
  #taken = 0;

  /** @param idleMs how long to wait for a follow-up once there is none; 0: not at all */
  constructor(directory: string, idleMs: number) {
    this.#directory = directory;
    this.#idleMs = Number.isFinite(idleMs) && idleMs > 0 ? idleMs : 0;
  }

  /** How many follow-ups were handed out. */
  get taken(): number {
    return this.#taken;
  }

  async *arriving(until: AbortSignal): AsyncGenerator<string> {
    while (!until.aborted) {
      for (const name of (await this.#names()).filter(isFollowUp)) {
        // One that came as the turn ended is for the turn that follows.
        if (until.aborted) return;
        const text = await this.#take(name);
        if (text !== undefined) yield text;
      }
      await this.#change(RELOOK_MS, until);
    }
  }

  /**
   * The follow-ups in the order of their names, until `_close` is found or none came in time. A file is unlinked when
   * its text is handed out: the host counts it as answered by the frame that follows.
   */
  async *rest(): AsyncGenerator<string> {
    do {
      const names = await this.#names();
      for (const name of names.filter(isFollowUp)) {
        const text = await this.#take(name);
        if (text !== undefined) yield text;
      }
      if (names.includes(WRAP_UP_SENTINEL)) return;
      if (names.includes(CLOSE_SENTINEL)) {
        await unlink(join(this.#directory, CLOSE_SENTINEL)).catch(reportOnStderr);
        return;
      }
    } while (this.#idleMs > 0 && (await this.#somethingNew()));
  }

  /** Resolves when the host says that time is nearly up; never, when `until` aborts before. */
  async untilWrapUp(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      if ((await this.#names()).includes(WRAP_UP_SENTINEL)) return;
      await this.#change(RELOOK_MS, until);
    }
    await new Promise(() => undefined);
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#directory)).sort();
    } catch (error) {
      // A bare `docker run` may have none; what is wrong with it was said when the workspace was prepared.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') reportOnStderr(error);
      return [];
    }
  }

  async #take(name: string): Promise<string | undefined> {
    const path = join(this.#directory, name);
    try {
      const file = InputFile.parse(JSON.parse(await readFile(path, 'utf8'), wellFormed));
      await unlink(path);
      this.#taken += 1;
      return file.text;
    } catch (error) {
      reportOnStderr(error);
      return undefined;
    }
  }

  /** Waits for a file; false when none came in time. */
  async #somethingNew(): Promise<boolean> {
    const deadline = Date.now() + this.#idleMs;
    for (;;) {
      const names = await this.#names();
      if (names.some((name) => name === CLOSE_SENTINEL || name === WRAP_UP_SENTINEL || isFollowUp(name))) {
        return true;
      }
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) return false;
      await this.#change(Math.min(RELOOK_MS, leftMs));
    }
  }

  #change(timeoutMs: number, until?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        watcher?.close();
        until?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, Math.max(0, timeoutMs));
      let watcher: ReturnType<typeof watch> | undefined;
      until?.addEventListener('abort', finish, { once: true });
      try {
        watcher = watch(this.#directory, finish);
        watcher.once('error', finish);
      } catch {
        // Without events the time-out alone wakes it.
        watcher = undefined;
      }
      if (until?.aborted === true) finish();
    });
  }
}

function isFollowUp(name: string): boolean {
  return name.endsWith('.json') && !name.startsWith('.');
}

function reportOnStderr(error: unknown): void {
  process.stderr.write(`input: ${error instanceof Error ? error.message : String(error)}\n`);
}
