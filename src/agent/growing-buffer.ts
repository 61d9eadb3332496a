const FIRST_SIZE = 16 * 1024;

/** Bytes that come in pieces, in one block of memory: a million small pieces cost no more than a large one. */
export class GrowingBuffer {
  readonly limit: number;
  #bytes = Buffer.alloc(0);
  #length = 0;

  /** @param limit the most that it holds, in bytes */
  constructor(limit: number) {
    this.limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  /** @returns false when there is no room: then nothing was added */
  append(bytes: Buffer): boolean {
    const needed = this.#length + bytes.length;
    if (needed > this.limit) return false;
    if (needed > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(needed, FIRST_SIZE, Math.min(this.limit, 2 * this.#bytes.length)));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, this.#length);
    this.#length = needed;
    return true;
  }

  /** A view, good until the next change. */
  slice(start: number, end = this.#length): Buffer {
    return this.#bytes.subarray(start, end);
  }

  /** Empties it and gives its memory back. */
  clear(): void {
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
  }
}
