import { readFileSync, statfsSync } from 'node:fs';
import process from 'node:process';
import { inject, vi } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Milliseconds that a test waits for a state, where it does not say so itself; less than its own timeout. */
    waitMs: number;
    /** Temporary files lie on a disk in memory, where there is one. */
    inMemory: boolean;
  }
}

const MEMORY_DISK = '/dev/shm';
/** Files that are huge on paper are part of some tests. */
const ROOM_BYTES = 512 * 1024 * 1024;

/** Whether there is a disk in memory with room, from which programs may run. */
function hasMemoryDisk(): boolean {
  try {
    const mounted = readFileSync('/proc/mounts', 'utf8').match(/^\S+ \/dev\/shm tmpfs (\S+)/m)?.[1];
    const { bavail, bsize } = statfsSync(MEMORY_DISK);
    return mounted !== undefined && !mounted.split(',').includes('noexec') && bavail * bsize > ROOM_BYTES;
  } catch {
    return false;
  }
}

// A sync costs nothing there, and unit tests commit thousands of times.
if (inject('inMemory') && hasMemoryDisk()) process.env.TMPDIR = MEMORY_DISK;

/** What code under test writes to stderr is output of its test as console output is: shown with a failure only. */
process.stderr.write = (chunk: string | Uint8Array, ...more: readonly unknown[]): boolean => {
  console.error(Buffer.from(chunk).toString().replace(/\n$/, ''));
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
