import { StringDecoder } from 'node:string_decoder';

/** A whole text, or its beginning and its end where it is longer than both. @param limit characters kept at each end */
export function bounded(text: string, limit: number): string {
  const kept = new BoundedText(limit);
  kept.append(text);
  return kept.toString();
}

/** Keeps the beginning and the end of a text that may be endless. Lengths are in characters. */
export class BoundedText {
  readonly #limit: number;
  readonly #decoder = new StringDecoder('utf8');
  #head = '';
  #tail = '';
  #dropped = 0;

  /** @param limit characters kept at each end */
  constructor(limit: number) {
    this.#limit = limit;
  }

  append(bytes: Buffer | string): void {
    let text = typeof bytes === 'string' ? bytes : this.#decoder.write(bytes);
    const room = this.#limit - this.#head.length;
    if (room > 0) {
      this.#head += text.slice(0, room);
      text = text.slice(room);
    }
    this.#tail += text;
    // Cut now and then, not at each call: a flood comes in small pieces.
    if (this.#tail.length > 2 * this.#limit) this.#cut();
  }

  toString(): string {
    this.#cut();
    const gap = this.#dropped === 0 ? '' : `\n[… ${this.#dropped} characters left out …]\n`;
    // A cut may go through a surrogate pair.
    return `${this.#head}${gap}${this.#tail}`.toWellFormed();
  }

  #cut(): void {
    const excess = this.#tail.length - this.#limit;
    if (excess <= 0) return;
    this.#dropped += excess;
    this.#tail = this.#tail.slice(excess);
  }
}
