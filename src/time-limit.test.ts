import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { timeLimit } from './time-limit.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** What waits for it keeps nothing of it but its listener, as a request on its way does. */
function waitFor(signal: AbortSignal, ms: number): Promise<string> {
  return new Promise((resolve) => {
    const limit = timeLimit(signal, ms);
    limit.signal.addEventListener('abort', () => resolve((limit.signal.reason as Error).name), {
      once: true,
    });
  });
}

describe('a time limit', () => {
  it('fires although garbage is collected meanwhile', async () => {
    const stop = new AbortController();
    const fired = waitFor(stop.signal, 100);
    for (let round = 0; round < 2; round += 1) {
      await delay(5);
      collectGarbage();
    }
    expect(await Promise.race([fired, delay(3_000, 'never', { ref: false })])).toBe('TimeoutError');
    expect(stop.signal.aborted).toBe(false);
  });

  it('aborts with the signal that it was made from, even with one that has already aborted', async () => {
    const stop = new AbortController();
    const fired = waitFor(stop.signal, 60_000);
    stop.abort(new DOMException('the host stops', 'AbortError'));
    expect(await fired).toBe('AbortError');
    const late = timeLimit(stop.signal, 60_000);
    expect(late.signal.aborted).toBe(true);
    late.clear();
  });

  it('does not fire after it was cleared', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const limit = timeLimit(new AbortController().signal, 10);
    limit.clear();
    vi.advanceTimersByTime(50);
    expect(limit.signal.aborted).toBe(false);
  });
});
