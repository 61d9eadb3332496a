import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { cutText } from '../../../../../src/protocol/graphemes.ts';

const SESSION_ID = /^[A-Za-z0-9-]{1,64}$/;

/** A transcript keeps this many of the newest requests, each cut to MAX_TEXT characters. */
const MAX_REQUESTS = 50;
const MAX_TEXT = 2_000;
/** A request and the answers to what was asked back: the day, the time of day, which half of it. */
const MAX_ANSWERS = 4;

const Transcript = z.object({
  said: z.array(z.string()),
  task: z.string().optional().describe('the task that was spoken of last: "it"'),
  asked: z.string().optional().describe('what is to be done with the task that was asked for last'),
  listed: z.array(z.string()).default([]).describe('the tasks of the list that was shown last, in its order'),
});
type Transcript = z.infer<typeof Transcript>;

/** What was asked in earlier turns of a session, in `~/.claude/offline/<id>.json`. */
export class OfflineSession {
  readonly id: string;
  readonly #directory: string;
  readonly #transcript: Transcript;
  #asks: string | undefined;

  private constructor(id: string, directory: string, transcript: Transcript) {
    this.id = id;
    this.#directory = directory;
    this.#transcript = transcript;
  }

  /** Resumes a session; one that is unknown or cannot be read is replaced by a new one. */
  static async open(home: string, id: string | undefined, newId: () => string): Promise<OfflineSession> {
    const directory = join(home, '.claude', 'offline');
    if (id !== undefined && SESSION_ID.test(id)) {
      try {
        const text = await readFile(join(directory, `${id}.json`), 'utf8');
        return new OfflineSession(id, directory, Transcript.parse(JSON.parse(text)));
      } catch (error) {
        process.stderr.write(`session ${id} cannot be resumed: ${(error as Error).message}\n`);
      }
    }
    return new OfflineSession(newId(), directory, { said: [], listed: [] });
  }

  /** The last request before this turn. */
  get previous(): string | undefined {
    return this.#transcript.said.at(-1);
  }

  /** The last few requests before this turn, the oldest first: what is asked back may take as many answers. */
  get recent(): readonly string[] {
    return this.#transcript.said.slice(-MAX_ANSWERS);
  }

  /** The task that was spoken of last. */
  get task(): string | undefined {
    return this.#transcript.task;
  }

  /** The tasks of the list that was shown last. */
  get listed(): readonly string[] {
    return this.#transcript.listed;
  }

  /** Keeps which task "it" is. It is written with the request. */
  noteTask(id: string | undefined): void {
    this.#transcript.task = id;
  }

  /** What is to be done with the task that the last answer asked for. */
  get asked(): string | undefined {
    return this.#transcript.asked;
  }

  /** Keeps what is to be done with the task that this answer asks for, until the next request. */
  noteAsked(verb: string): void {
    this.#asks = verb;
  }

  /** Keeps which task each number of a list is. It is written with the request. */
  noteList(ids: readonly string[]): void {
    this.#transcript.listed = [...ids];
  }

  /** Adds a request. A home that cannot be written costs the memory, not the answer. */
  async remember(text: string): Promise<void> {
    this.#transcript.said = [...this.#transcript.said, cutText(text, MAX_TEXT)].slice(-MAX_REQUESTS);
    this.#transcript.asked = this.#asks;
    this.#asks = undefined;
    const path = join(this.#directory, `${this.id}.json`);
    try {
      await mkdir(this.#directory, { recursive: true });
      await writeFile(`${path}.tmp`, JSON.stringify(this.#transcript));
      await rename(`${path}.tmp`, path);
    } catch (error) {
      process.stderr.write(`session ${this.id} cannot be kept: ${(error as Error).message}\n`);
    }
  }
}
