import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rememberingLog } from '../test/support/silent-log.ts';
import { HOUR, MINUTE, SECOND } from './clock.ts';
import { earlier, Waker } from './waker.ts';

const START = Date.UTC(2026, 0, 1, 12);
const FAILURE_PAUSE_MS = 10 * SECOND;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: START });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A waker whose looks return what `next` does; `looks` are their instants, in milliseconds after START. */
function rig(next: (now: number) => number | undefined) {
  const looks: number[] = [];
  const { log, lines } = rememberingLog();
  const look = (now: number): number | undefined => {
    looks.push(now - START);
    return next(now);
  };
  const waker = new Waker(look, {
    clock: { now: () => Date.now() },
    log,
    timings: { workFailurePauseMs: FAILURE_PAUSE_MS },
  });
  onTestFinished(() => waker.stop());
  return { waker, looks, lines };
}

describe('a waker', () => {
  it('looks at once when it is woken, and not before', () => {
    const { waker, looks } = rig(() => undefined);
    expect(looks).toEqual([]);
    waker.wake();
    expect(looks).toEqual([0]);
  });

  it('looks again at the instant that the last look returned', async () => {
    const { waker, looks } = rig((now) => (now === START ? START + 3 * SECOND : undefined));
    waker.wake();
    await vi.advanceTimersByTimeAsync(3 * SECOND - 1);
    expect(looks).toEqual([0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(looks).toEqual([0, 3 * SECOND]);
  });

  it('sets no timer when a look returns no instant', () => {
    const { waker } = rig(() => undefined);
    waker.wake();
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ['now', 0],
    ['past', -HOUR],
  ])(
    'waits a second when the instant that a look returned is %s: the work could not be done',
    async (_, ms) => {
      const { waker, looks } = rig((now) => now + ms);
      waker.wake();
      await vi.advanceTimersByTimeAsync(3 * SECOND);
      expect(looks).toEqual([0, SECOND, 2 * SECOND, 3 * SECOND]);
    },
  );

  it('looks each half minute while something is due within the hour, and not before', async () => {
    const { waker, looks } = rig(() => START + 2 * HOUR);
    waker.wake();
    await vi.advanceTimersByTimeAsync(HOUR - 1);
    expect(looks).toEqual([0]);
    await vi.advanceTimersByTimeAsync(MINUTE + 1);
    expect(looks).toEqual([0, HOUR, HOUR + 30 * SECOND, HOUR + MINUTE]);
  });

  it.each([
    ['slept for three hours', 3 * HOUR],
    ['slept for a minute', MINUTE],
    ['was set back by a day', -24 * HOUR],
  ])(
    'looks within half a minute when the machine or its clock %s, however far the next instant is',
    async (_, jump) => {
      const { waker, looks } = rig(() => START + 10 * HOUR);
      waker.wake();
      await vi.advanceTimersByTimeAsync(10 * MINUTE);
      expect(looks).toEqual([0]);
      vi.setSystemTime(Date.now() + jump);
      await vi.advanceTimersByTimeAsync(30 * SECOND);
      expect(looks).toEqual([0, 10 * MINUTE + jump + 30 * SECOND]);
    },
  );

  it('logs a look that throws, and looks again after the pause for failures', async () => {
    const { waker, looks, lines } = rig((now) => {
      if (now === START) throw new Error('the disk is full');
      return undefined;
    });
    expect(() => waker.wake()).not.toThrow();
    expect(lines).toMatchObject([{ level: 50, err: { message: 'the disk is full' } }]);
    await vi.advanceTimersByTimeAsync(FAILURE_PAUSE_MS - 1);
    expect(looks).toEqual([0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(looks).toEqual([0, FAILURE_PAUSE_MS]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('looks no more after it was stopped, neither by its timer nor when it is woken', async () => {
    const { waker, looks } = rig((now) => now + SECOND);
    waker.wake();
    waker.stop();
    waker.stop();
    expect(vi.getTimerCount()).toBe(0);
    waker.wake();
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(looks).toEqual([0]);
  });

  it('looks at once when it is woken while it waits, and keeps one timer, for the new instant', async () => {
    const instants = [START + 5 * SECOND, START + 8 * SECOND, undefined];
    const { waker, looks } = rig(() => instants.shift());
    waker.wake();
    await vi.advanceTimersByTimeAsync(2 * SECOND);
    waker.wake();
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(looks).toEqual([0, 2 * SECOND, 8 * SECOND]);
  });
});

describe('the earlier of two instants', () => {
  it.each([
    [1, 2, 1],
    [2, 1, 1],
    [undefined, 2, 2],
    [1, undefined, 1],
    [0, undefined, 0],
    [undefined, undefined, undefined],
  ])('is, given %s and %s, %s', (one, other, expected) => {
    expect(earlier(one, other)).toBe(expected);
  });
});
