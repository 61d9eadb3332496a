import type { Readable } from 'node:stream';
import type { Log } from '../log.ts';
import { cutText } from '../protocol/graphemes.ts';
import { BoundedText } from './bounded-text.ts';
import { SecretFilter } from './secret-filter.ts';

/** A line in the host's log is cut to this many characters. */
const LONGEST_LINE = 2_000;

export interface StderrLogOptions {
  /** Characters kept at each end for the run log. */
  readonly kept: number;
  readonly secrets: readonly string[];
  readonly log: Log;
  /** Called for each piece of output. */
  readonly onOutput: () => void;
}

/** A sandbox's stderr: line by line into the host's log at debug as it comes, its ends kept for the run log, no key in either. */
export class StderrLog {
  readonly #log: Log;
  readonly #onOutput: () => void;
  readonly #kept: BoundedText;
  readonly #filter: SecretFilter;
  #line = '';

  constructor({ kept, secrets, log, onOutput }: StderrLogOptions) {
    this.#log = log;
    this.#onOutput = onOutput;
    this.#kept = new BoundedText(kept);
    this.#filter = new SecretFilter(secrets);
  }

  /** Reads to the end. Never rejects: a torn pipe is an end. */
  async read(stderr: Readable): Promise<void> {
    stderr.setEncoding('utf8');
    try {
      for await (const piece of stderr) {
        this.#onOutput();
        this.#add(this.#filter.push(piece as string));
      }
    } catch (error) {
      this.#log.debug({ error: (error as Error).message }, 'Container stderr closed');
    }
    this.#add(this.#filter.end());
    if (this.#line !== '') this.#say(this.#line);
  }

  toString(): string {
    return this.#kept.toString();
  }

  #add(text: string): void {
    this.#kept.append(text);
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) this.#say(line);
    if (this.#line.length > LONGEST_LINE) {
      this.#say(this.#line);
      this.#line = '';
    }
  }

  #say(line: string): void {
    if (line.trim() !== '') this.#log.debug({ stderr: cutText(line, LONGEST_LINE) }, 'Container stderr');
  }
}
