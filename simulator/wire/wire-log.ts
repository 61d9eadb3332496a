import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import type { BinaryNode } from '@whiskeysockets/baileys';

/** Bytes shown of binary content; the length is always given. */
const SHOWN_BYTES = 16;

type Shortened = string | { bytes: number; start: string } | ShortNode[] | undefined;
interface ShortNode {
  tag: string;
  attrs: BinaryNode['attrs'];
  content?: Shortened;
}

function shortContent(content: BinaryNode['content']): Shortened {
  if (content === undefined || typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map(shorten);
  return { bytes: content.length, start: Buffer.from(content.subarray(0, SHOWN_BYTES)).toString('hex') };
}

/** A stanza as it is written into logs and events: binary content becomes its length and first bytes. */
export function shorten(node: BinaryNode): ShortNode {
  const content = shortContent(node.content);
  return content === undefined
    ? { tag: node.tag, attrs: node.attrs }
    : { tag: node.tag, attrs: node.attrs, content };
}

/** One line of the log; `at` (ISO 8601 with milliseconds) is added by the log. */
export type WireEntry =
  | { kind: 'connection'; connection: number; event: 'open' | 'close'; count: number }
  | {
      kind: 'stanza';
      connection: number;
      direction: 'in' | 'out';
      tag: string;
      attrs: BinaryNode['attrs'];
      content?: Shortened;
    }
  | {
      kind: 'message';
      direction: 'in' | 'out';
      chat: string;
      sender: string;
      id: string;
      text: string;
      type: string;
    }
  /** Without a connection: the device was linked without a client. */
  | { kind: 'pairing'; connection: number | undefined; device: string }
  | { kind: 'fault'; fault: string; detail?: unknown }
  | { kind: 'problem'; problem: string; detail: string };

/** A JSONL file with everything that crossed the wire; without a path it writes nothing. */
export class WireLog {
  readonly #stream: WriteStream | undefined;

  private constructor(stream?: WriteStream) {
    this.#stream = stream;
  }

  /** Appends to `path`, which only its owner may read. Rejects with Node's error when it cannot be opened. */
  static async open(path?: string): Promise<WireLog> {
    if (path === undefined) return new WireLog();
    const file = await open(path, 'a', 0o600);
    return new WireLog(file.createWriteStream());
  }

  write(entry: WireEntry): void {
    if (this.#stream?.writable)
      this.#stream.write(`${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`);
  }

  /** Resolves when everything is in the file; rejects with Node's error when it could not be written. */
  async close(): Promise<void> {
    if (!this.#stream || this.#stream.closed) return;
    this.#stream.end();
    await finished(this.#stream);
  }
}
