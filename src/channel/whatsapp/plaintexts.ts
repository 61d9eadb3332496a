import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { type BinaryNode, decodeMessageNode } from '@whiskeysockets/baileys';
import type { Journal } from './journal.ts';
import { nameOfMessage } from './message-key.ts';

/** Whom messages are for. */
export interface Reader {
  readonly id: string;
  readonly lid?: string | undefined;
}

interface Expected {
  readonly message: string;
  readonly digest: Buffer;
}

/** A decryption on its way to its commit. */
interface Decryption extends Expected {
  plaintext: Uint8Array | undefined;
}

/** A message that says nothing, padded as Signal's are: what is settled has been told already. */
const NOTHING = Uint8Array.of(1);
/** What can be decrypted. */
const CIPHERS: ReadonlySet<string | undefined> = new Set(['msg', 'pkmsg', 'skmsg']);
const PEER = 'peer';

/**
 * What was decrypted, by ciphertext. Each can be decrypted once; when line or process end between that and the receipt,
 * the server brings the message again, and only this still reads it.
 *
 * The text is committed together with the ratchet's step that made it: Baileys collects the step in a transaction of
 * its own and hands it to the key store at the end, where `writeWith` puts the text beside it.
 *
 * A plaintext is given out for the same message only: the same ciphertext under another id or sender is a replay, and
 * is left to fail as Signal means it to.
 */
export class Plaintexts {
  readonly #journal: Journal;
  readonly #reader: () => Reader | undefined;
  /** Which message each ciphertext that is being handled belongs to; Baileys passes the bytes on, not the id. */
  readonly #expected = new WeakMap<Uint8Array, Expected>();
  readonly #decryption = new AsyncLocalStorage<Decryption>();
  readonly #repeated = new Set<string>();

  /** @param reader asked anew each time; undefined before pairing, when no message can come */
  constructor(journal: Journal, reader: () => Reader | undefined) {
    this.#journal = journal;
    this.#reader = reader;
  }

  /**
   * A stanza has come in and is about to be handled: it is on disk when this returns.
   * Throws SQLite's error: it must not be handled then.
   */
  arrived(node: BinaryNode): void {
    const { message, ciphertexts } = this.expect(node);
    if (message === undefined || ciphertexts.length === 0 || node.attrs.category === PEER) return;
    const known = ciphertexts.map((each) => this.#journal.plaintext(digestOf(message, each))?.status);
    if (known.every((status) => status === 'settled')) return;
    this.#journal.enter(message, digestOf(message, ...ciphertexts), node);
  }

  /** Takes note of which message a stanza's ciphertexts belong to. */
  expect(node: BinaryNode): { readonly message: string | undefined; readonly ciphertexts: Uint8Array[] } {
    const ciphertexts = ciphertextsIn(node);
    const message = ciphertexts.length === 0 ? undefined : this.#messageIn(node);
    if (message !== undefined) {
      for (const each of ciphertexts) this.#expected.set(each, { message, digest: digestOf(message, each) });
    }
    return { message, ciphertexts };
  }

  /** Whether what was handed on under this name just now had been settled before; asked once. */
  wasRepeated(message: string): boolean {
    return this.#repeated.delete(message);
  }

  /**
   * What the ciphertext said when this message came before, else what `decrypt` makes of it now.
   * @param transaction runs its work as one transaction of the keys and commits it
   */
  async of(
    ciphertext: Uint8Array,
    transaction: (work: () => Promise<Uint8Array>) => Promise<Uint8Array>,
    decrypt: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const expected = this.#expected.get(ciphertext);
    if (expected === undefined) return decrypt();
    const known = this.#journal.plaintext(expected.digest);
    if (known?.status === 'held') return known.value;
    if (known?.status === 'settled') {
      this.#repeated.add(expected.message);
      return NOTHING;
    }
    const decryption: Decryption = { ...expected, plaintext: undefined };
    return this.#decryption.run(decryption, () =>
      transaction(async () => {
        decryption.plaintext = await decrypt();
        return decryption.plaintext;
      }),
    );
  }

  /** Whether a decryption is on its way in this asynchronous context: its ratchet must wait for the text. */
  get isDecrypting(): boolean {
    return this.#decryption.getStore() !== undefined;
  }

  /** To be called inside the database's transaction that stores keys: writes the text that belongs to them. */
  writeWith(): void {
    const decryption = this.#decryption.getStore();
    if (decryption?.plaintext === undefined) return;
    this.#journal.keepPlaintext(decryption.digest, decryption.message, decryption.plaintext);
  }

  #messageIn(node: BinaryNode): string | undefined {
    const reader = this.#reader();
    if (reader === undefined) return undefined;
    try {
      return nameOfMessage(decodeMessageNode(node, reader.id, reader.lid ?? '').fullMessage.key);
    } catch {
      // Malformed: Baileys refuses it in the same words.
      return undefined;
    }
  }
}

function ciphertextsIn({ content }: BinaryNode): Uint8Array[] {
  if (!Array.isArray(content)) return [];
  return content
    .filter(({ tag, attrs }) => tag === 'enc' && CIPHERS.has(attrs.type))
    .map(({ content }) => content)
    .filter((bytes) => bytes instanceof Uint8Array);
}

function digestOf(message: string, ...ciphertexts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(message);
  for (const ciphertext of ciphertexts) hash.update('|').update(ciphertext);
  return hash.digest();
}
