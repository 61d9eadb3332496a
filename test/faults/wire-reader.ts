import { closeSync, openSync, readSync } from 'node:fs';
import type { WireEntry } from '../../simulator/wire/wire-log.ts';

/** A message of the linked device, as often as its bytes came. */
export interface SentMessage {
  readonly id: string;
  readonly text: string;
  times: number;
  /** How often a phone that could not read it asked for it again. */
  askedAgain: number;
}

const CHUNK_BYTES = 1 << 20;

/** Follows the wire log: every message that the linked device ever sent, by its wire id. */
export class WireReader {
  readonly messages = new Map<string, SentMessage>();
  readonly #path: string;
  /** By wire id: a phone may ask before the message is in the log. */
  readonly #asked = new Map<string, number>();
  #offset = 0;
  #rest = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads what was written since. */
  readOn(): void {
    const file = openSync(this.#path, 'r');
    try {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      for (let read = -1; read !== 0; ) {
        read = readSync(file, chunk, 0, chunk.length, this.#offset);
        this.#offset += read;
        // The log is JSON of ASCII and names: a character that is cut at a chunk's end spoils no word of ours.
        const lines = (this.#rest + chunk.toString('utf8', 0, read)).split('\n');
        this.#rest = lines.pop() ?? '';
        for (const line of lines) this.#take(JSON.parse(line) as WireEntry);
      }
    } finally {
      closeSync(file);
    }
  }

  #take(entry: WireEntry): void {
    if (entry.kind === 'message' && entry.direction === 'in') {
      const { id, text } = entry;
      const askedAgain = this.#asked.get(id) ?? 0;
      const known = this.messages.get(id);
      if (known === undefined) this.messages.set(id, { id, text, times: 1, askedAgain });
      else known.times += 1;
    }
    if (entry.kind === 'stanza' && entry.direction === 'out' && entry.tag === 'receipt') {
      const { id = '', type } = entry.attrs;
      if (type !== 'retry') return;
      this.#asked.set(id, (this.#asked.get(id) ?? 0) + 1);
      const known = this.messages.get(id);
      if (known !== undefined) known.askedAgain += 1;
    }
  }
}
