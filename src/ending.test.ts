import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rememberingLog } from '../test/support/silent-log.ts';
import { SECOND } from './clock.ts';
import { Ending } from './ending.ts';

const WATCHDOG_MS = 30 * SECOND;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** An ending whose shutdown goes on until the test lets it succeed or fail. */
function rig() {
  const exits: number[] = [];
  const { log, lines } = rememberingLog();
  let succeed: () => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const stop = vi.fn(
    () =>
      new Promise<void>((resolve, reject) => {
        succeed = resolve;
        fail = reject;
      }),
  );
  const ending = new Ending({
    stop,
    log,
    timings: { shutdownWatchdogMs: WATCHDOG_MS },
    exit: (exitCode) => void exits.push(exitCode),
  });
  return {
    ending,
    stop,
    exits,
    lines,
    /** The shutdown has ended. */
    stopped: async () => {
      succeed();
      await vi.advanceTimersByTimeAsync(0);
    },
    notStopped: () => fail(new Error('a step failed')),
  };
}

describe('the end of the process', () => {
  it('begins with the first signal, and is exit code 0 once everything has stopped', async () => {
    const { ending, stop, exits, stopped } = rig();
    ending.onSignal('SIGTERM');
    expect(stop).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(exits).toEqual([]);
    await stopped();
    expect(exits).toEqual([0]);
  });

  it('is exit code 1 when not everything could be stopped, once the failed start has said so itself', async () => {
    const { ending, exits, notStopped } = rig();
    ending.onSignal('SIGTERM');
    notStopped();
    await Promise.resolve();
    await Promise.resolve();
    expect(exits).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(exits).toEqual([1]);
  });

  it('takes the same signal twice within a second as one: npm passes Ctrl-C on', async () => {
    const { ending, stop, exits, lines, stopped } = rig();
    ending.onSignal('SIGINT');
    await vi.advanceTimersByTimeAsync(SECOND);
    ending.onSignal('SIGINT');
    expect(exits).toEqual([]);
    expect(lines).toEqual([]);
    await stopped();
    expect(stop).toHaveBeenCalledOnce();
    expect(exits).toEqual([0]);
  });

  it('comes at once with exit code 1 when the same signal is repeated after more than a second', async () => {
    const { ending, exits, lines } = rig();
    ending.onSignal('SIGINT');
    await vi.advanceTimersByTimeAsync(SECOND + 1);
    ending.onSignal('SIGINT');
    expect(exits).toEqual([1]);
    expect(lines).toMatchObject([{ level: 40, msg: expect.stringContaining('SIGINT') }]);
  });

  it('comes at once with exit code 1 when another signal follows the first', () => {
    const { ending, exits, lines } = rig();
    ending.onSignal('SIGINT');
    ending.onSignal('SIGTERM');
    expect(exits).toEqual([1]);
    expect(lines).toMatchObject([{ level: 40, msg: expect.stringContaining('SIGTERM') }]);
  });

  it('has the exit code that the host itself asked for, and only the first request counts', async () => {
    const { ending, stop, exits, stopped } = rig();
    ending.begin(3);
    ending.begin(0);
    ending.onSignal('SIGTERM');
    await stopped();
    expect(stop).toHaveBeenCalledOnce();
    expect(exits).toEqual([3]);
  });

  it('aborts the signal `begun` when it begins, and not before', () => {
    const { ending } = rig();
    expect(ending.begun.aborted).toBe(false);
    ending.begin(0);
    expect(ending.begun.aborted).toBe(true);
  });
});

describe('the watchdog of a shutdown', () => {
  it('ends a shutdown that hangs with exit code 1, and not before its time', async () => {
    const { ending, exits, lines } = rig();
    ending.onSignal('SIGTERM');
    await vi.advanceTimersByTimeAsync(WATCHDOG_MS - 1);
    expect(exits).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(exits).toEqual([1]);
    expect(lines).toMatchObject([{ level: 50, msg: 'The shutdown hangs, ending now' }]);
  });

  it('is not set before the shutdown begins', () => {
    rig();
    expect(vi.getTimerCount()).toBe(0);
  });
});
