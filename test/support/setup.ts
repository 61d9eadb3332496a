import process from 'node:process';
import { inject, vi } from 'vitest';
import { memoryDisk } from './memory-disk.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Milliseconds that a test waits for a state, where it does not say so itself; less than its own timeout. */
    waitMs: number;
    /** Temporary files lie on a disk in memory, where there is one. */
    inMemory: boolean;
  }
}

// A sync costs nothing there, and unit tests commit thousands of times.
const memory = inject('inMemory') ? memoryDisk() : undefined;
if (memory !== undefined) process.env.TMPDIR = memory;

/** What code under test writes to stderr is output of its test as console output is: shown with a failure only. */
const { error: report } = console;
process.stderr.write = (chunk: string | Uint8Array, ...more: readonly unknown[]): boolean => {
  report(Buffer.from(chunk).toString().replace(/\n$/, ''));
  const done = more.at(-1);
  if (typeof done === 'function') done();
  return true;
};

type WaitOptions = Parameters<typeof vi.waitFor>[1];

/** Vitest's own second is too short for a disk that is slow to sync. */
const patiently = (options: WaitOptions = {}): WaitOptions =>
  typeof options === 'number' ? options : { timeout: inject('waitMs'), ...options };

const { waitFor, waitUntil } = vi;
vi.waitFor = (callback, options) => waitFor(callback, patiently(options));
vi.waitUntil = (callback, options) => waitUntil(callback, patiently(options));
