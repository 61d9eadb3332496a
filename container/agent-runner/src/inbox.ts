import { watch } from 'node:fs';
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CLOSE_SENTINEL } from '../../../src/protocol/layout.ts';
import { InputFile } from '../../../src/protocol/mailbox.ts';

/** Events do not cross every virtual machine's border: the directory is looked at this often besides. */
const RELOOK_MS = 500;

/** The follow-ups that the host puts into `input/` while the agent works. */
export class Inbox {
  readonly #directory: string;
  readonly #idleMs: number;

  /** @param idleMs how long to wait for a follow-up once there is none; 0: not at all */
  constructor(directory: string, idleMs: number) {
    this.#directory = directory;
    this.#idleMs = Number.isFinite(idleMs) && idleMs > 0 ? idleMs : 0;
  }

  /**
   * The follow-ups in the order of their names, until `_close` is found or none came in time. A file is unlinked when
   * its text is handed out: the host counts it as answered by the frame that follows.
   */
  async *followUps(): AsyncGenerator<string> {
    do {
      const names = await this.#names();
      for (const name of names.filter((leaf) => leaf.endsWith('.json') && !leaf.startsWith('.'))) {
        const text = await this.#take(name);
        if (text !== undefined) yield text;
      }
      if (names.includes(CLOSE_SENTINEL)) {
        await unlink(join(this.#directory, CLOSE_SENTINEL)).catch(reportOnStderr);
        return;
      }
    } while (this.#idleMs > 0 && (await this.#somethingNew()));
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#directory)).sort();
    } catch (error) {
      reportOnStderr(error);
      return [];
    }
  }

  async #take(name: string): Promise<string | undefined> {
    const path = join(this.#directory, name);
    try {
      const file = InputFile.parse(JSON.parse(await readFile(path, 'utf8')));
      await unlink(path);
      return file.text;
    } catch (error) {
      reportOnStderr(error);
      return undefined;
    }
  }

  /** Waits for a file; false when none came in time. */
  async #somethingNew(): Promise<boolean> {
    const deadline = Date.now() + this.#idleMs;
    while (Date.now() < deadline) {
      await this.#change(Math.min(RELOOK_MS, deadline - Date.now()));
      const names = await this.#names();
      if (
        names.some((name) => name === CLOSE_SENTINEL || (name.endsWith('.json') && !name.startsWith('.')))
      ) {
        return true;
      }
    }
    return false;
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        watcher?.close();
        resolve();
      };
      const timer = setTimeout(finish, Math.max(0, timeoutMs));
      let watcher: ReturnType<typeof watch> | undefined;
      try {
        watcher = watch(this.#directory, finish);
        watcher.once('error', finish);
      } catch (error) {
        reportOnStderr(error);
      }
    });
  }
}

function reportOnStderr(error: unknown): void {
  process.stderr.write(`input: ${error instanceof Error ? error.message : String(error)}\n`);
}
