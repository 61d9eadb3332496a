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
  #descriptor: number | undefined;
  #size = 0;
  #failing = false;

  /**
   * @param maxBytes size in bytes at which the file is moved aside
   * @param onFailure told once per failure in a row (a full disk must not end the host)
   */
  constructor(path: string, maxBytes: number, onFailure: (error: unknown) => void) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#onFailure = onFailure;
  }

  write(line: string): void {
    try {
      const descriptor = this.#descriptor ?? this.#open();
      this.#size += writeSync(descriptor, line);
      this.#failing = false;
      if (this.#size >= this.#maxBytes) this.#rotate();
    } catch (error) {
      if (!this.#failing) this.#onFailure(error);
      this.#failing = true;
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
