import { createHash } from 'node:crypto';
import type { BinaryNode } from '@whiskeysockets/baileys';

const ENTRIES = 1_000;
const BYTES = 8 * 1024 * 1024;

/**
 * What was decrypted lately. Each ciphertext can be decrypted once; when the line closes between that and the receipt,
 * Baileys drops the message and the server brings it again, and only this still reads it. In memory: what a crash of
 * the process leaves unread is not covered.
 *
 * A plaintext is given out for the same message only: the same ciphertext under another id or sender is a replay, and
 * is left to fail as Signal means it to.
 */
export class Plaintexts {
  /** Which message each ciphertext that is being handled belongs to; Baileys passes the bytes on, not the id. */
  readonly #messages = new WeakMap<Uint8Array, string>();
  readonly #recent = new Map<string, Uint8Array>();
  #bytes = 0;

  /** A message has come in and is about to be decrypted. */
  expect({ attrs, content }: BinaryNode): void {
    if (!Array.isArray(content)) return;
    const message = [attrs.from, attrs.participant, attrs.recipient, attrs.id].join('|');
    for (const { content: ciphertext } of content) {
      if (ciphertext instanceof Uint8Array) this.#messages.set(ciphertext, message);
    }
  }

  /** What the ciphertext said when this message came before, else what `decrypt` makes of it now. */
  async of(ciphertext: Uint8Array, decrypt: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const message = this.#messages.get(ciphertext);
    if (message === undefined) return decrypt();
    const key = `${message}|${createHash('sha256').update(ciphertext).digest('base64')}`;
    const known = this.#recent.get(key);
    if (known !== undefined) return known;
    const plaintext = await decrypt();
    this.#keep(key, plaintext);
    return plaintext;
  }

  #keep(key: string, plaintext: Uint8Array): void {
    this.#recent.set(key, plaintext);
    this.#bytes += plaintext.length;
    for (const [oldest, { length }] of this.#recent) {
      if (this.#recent.size <= ENTRIES && this.#bytes <= BYTES) return;
      this.#recent.delete(oldest);
      this.#bytes -= length;
    }
  }
}
