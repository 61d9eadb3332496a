import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const KEPT = 3;

/**
 * A log file that is moved aside (`.1` to `.3`) when it grows over a size, so that logs never fill the disk.
 * Writes are synchronous: the last lines before a crash are the ones that matter.
 */
export class LogFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #onFailure: (error: unknown) => void;
  readonly #gap: (lines: number) => string;
  #descriptor: number | undefined;
  #size = 0;
  /** Lines in a row that could not be written. */
  #lost = 0;
  /** Whether the file ends within a line: the disk was full in the middle of it. */
  #isTorn = false;

  /**
   * @param maxBytes size in bytes at which the file is moved aside
   * @param onFailure told once per failure in a row (a full disk must not end the host)
   * @param gap the line that stands where so many could not be written
   */
  constructor(
    path: string,
    maxBytes: number,
    onFailure: (error: unknown) => void,
    gap: (lines: number) => string,
  ) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#onFailure = onFailure;
    this.#gap = gap;
  }

  write(line: string): void {
    try {
      if (this.#isTorn) this.#append('\n');
      if (this.#lost > 0) this.#append(this.#gap(this.#lost));
      this.#lost = 0;
      this.#append(line);
      if (this.#size >= this.#maxBytes) this.#rotate();
    } catch (error) {
      if (this.#lost === 0) this.#onFailure(error);
      this.#lost += 1;
    }
  }

  /** A disk that fills up takes a part and fails at the rest. */
  #append(text: string): void {
    const bytes = Buffer.from(text);
    const descriptor = this.#descriptor ?? this.#open();
    let written = 0;
    while (written < bytes.length) {
      const count = writeSync(descriptor, bytes, written);
      written += count;
      this.#size += count;
      this.#isTorn = written < bytes.length;
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true });
    const descriptor = openSync(this.#path, 'a', 0o600);
    this.#descriptor = descriptor;
    this.#size = fstatSync(descriptor).size;
    return descriptor;
  }

  #rotate(): void {
    this.close();
    for (let n = KEPT - 1; n >= 1; n--) this.#moveIfThere(`${this.#path}.${n}`, `${this.#path}.${n + 1}`);
    renameSync(this.#path, `${this.#path}.1`);
  }

  #moveIfThere(from: string, to: string): void {
    try {
      renameSync(from, to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
