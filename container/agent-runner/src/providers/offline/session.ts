import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { cutText } from '../../../../../src/protocol/graphemes.ts';

const SESSION_ID = /^[A-Za-z0-9-]{1,64}$/;

/** A transcript keeps this many of the newest requests, each cut to MAX_TEXT characters. */
const MAX_REQUESTS = 50;
const MAX_TEXT = 2_000;

const Transcript = z.object({ said: z.array(z.string()) });

/** What was asked in earlier turns of a session, in `~/.claude/offline/<id>.json`. */
export class OfflineSession {
  readonly id: string;
  readonly #directory: string;
  readonly #said: readonly string[];

  private constructor(id: string, directory: string, said: readonly string[]) {
    this.id = id;
    this.#directory = directory;
    this.#said = said;
  }

  /** Resumes a session; one that is unknown or cannot be read is replaced by a new one. */
  static async open(home: string, id: string | undefined, newId: () => string): Promise<OfflineSession> {
    const directory = join(home, '.claude', 'offline');
    if (id !== undefined && SESSION_ID.test(id)) {
      try {
        const { said } = Transcript.parse(JSON.parse(await readFile(join(directory, `${id}.json`), 'utf8')));
        return new OfflineSession(id, directory, said);
      } catch (error) {
        process.stderr.write(`session ${id} cannot be resumed: ${(error as Error).message}\n`);
      }
    }
    return new OfflineSession(newId(), directory, []);
  }

  /** The last request before this turn. */
  get previous(): string | undefined {
    return this.#said.at(-1);
  }

  /** Adds a request. A home that cannot be written costs the memory, not the answer. */
  async remember(text: string): Promise<void> {
    const said = [...this.#said, cutText(text, MAX_TEXT)].slice(-MAX_REQUESTS);
    const path = join(this.#directory, `${this.id}.json`);
    try {
      await mkdir(this.#directory, { recursive: true });
      await writeFile(`${path}.tmp`, JSON.stringify({ said }));
      await rename(`${path}.tmp`, path);
    } catch (error) {
      process.stderr.write(`session ${this.id} cannot be kept: ${(error as Error).message}\n`);
    }
  }
}
