import { vi } from 'vitest';

/**
 * How long a test waits for what is to come about, where it does not say so itself. Vitest's own second is no promise of
 * anybody's: a disk that is slow to sync may take it alone.
 */
const PATIENCE_MS = 15_000;

type WaitOptions = Parameters<typeof vi.waitFor>[1];

const patiently = (options: WaitOptions = {}): WaitOptions =>
  typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options };

const { waitFor } = vi;
vi.waitFor = (callback, options) => waitFor(callback, patiently(options));
