import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { counter, MAIN, testStore } from '../../test/support/test-store.ts';
import { HOUR, MINUTE, SECOND } from '../clock.ts';
import type { Task } from '../store/tasks.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { Scheduler } from './scheduler.ts';

const START = Date.UTC(2026, 0, 1, 12);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: START });
});

afterEach(() => {
  vi.useRealTimers();
});

function rig() {
  const store = testStore();
  store.groups.add(MAIN, 0);
  const options = {
    store,
    clock: { now: () => Date.now() },
    newId: counter('run'),
    log: silentLog,
    timezone: 'UTC',
    timings: DEFAULT_TIMINGS,
  };
  const scheduler = new Scheduler(options);
  onTestFinished(() => scheduler.stop());
  const add = (change: Partial<Task> & { nextRun: string | null }): void =>
    store.tasks.add({
      id: 't1',
      folder: 'main',
      chatJid: MAIN.jid,
      prompt: 'stretch',
      script: null,
      scheduleType: 'once',
      scheduleValue: 'x',
      contextMode: 'isolated',
      status: 'active',
      createdAt: '',
      ...change,
    });
  return { store, scheduler, options, add };
}

const iso = (instant: number): string => new Date(instant).toISOString();

describe('the scheduler', () => {
  it('claims a one-time task when its instant comes, and only once', async () => {
    const { store, scheduler, add } = rig();
    add({ nextRun: iso(START + 3 * SECOND) });
    scheduler.wake();
    await vi.advanceTimersByTimeAsync(2 * SECOND);
    expect(store.runs.queued()).toEqual([]);
    await vi.advanceTimersByTimeAsync(2 * SECOND);
    expect(store.runs.queued()).toMatchObject([{ taskId: 't1', slot: iso(START + 3 * SECOND) }]);
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(store.runs.queued()).toHaveLength(1);
    expect(store.tasks.find('t1')).toMatchObject({ status: 'completed', nextRun: null });
  });

  it('claims the run and the next time in one transaction', () => {
    const { store, scheduler, add } = rig();
    add({ scheduleType: 'interval', scheduleValue: '60000', nextRun: iso(START) });
    vi.spyOn(store.runs, 'queueTask').mockImplementationOnce(() => {
      throw new Error('the disk is full');
    });
    scheduler.wake();
    expect(store.tasks.find('t1')).toMatchObject({ nextRun: iso(START), lastRun: null });
    scheduler.wake();
    expect(store.runs.queued()).toHaveLength(1);
    expect(store.tasks.find('t1')?.nextRun).toBe(iso(START + MINUTE));
  });

  it('runs the other tasks when one cannot be claimed', () => {
    const { store, scheduler, add } = rig();
    for (const id of ['bad', 'good']) add({ id, nextRun: iso(START) });
    vi.spyOn(store.runs, 'slotTries').mockImplementationOnce(() => {
      throw new Error('no');
    });
    scheduler.wake();
    expect(store.runs.queued()).toMatchObject([{ taskId: 'good' }]);
  });

  it('tries again every ten seconds, not every second, while the disk is full', async () => {
    const { store, scheduler, add } = rig();
    add({ nextRun: iso(START) });
    const full = vi.spyOn(store.runs, 'queueTask').mockImplementation(() => {
      throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
    });
    scheduler.wake();
    await vi.advanceTimersByTimeAsync(31 * SECOND);
    expect(full).toHaveBeenCalledTimes(4);
    full.mockRestore();
    await vi.advanceTimersByTimeAsync(10 * SECOND);
    expect(store.runs.queued()).toMatchObject([{ taskId: 't1', slot: iso(START) }]);
  });

  it('runs one slot of a task once, even when the task is set to the same time again', () => {
    const { store, scheduler, add } = rig();
    add({ nextRun: iso(START) });
    scheduler.wake();
    store.runs.startQueued('run-0001', 0);
    store.runs.end(
      'run-0001',
      { status: 'succeeded', exitReason: 'exited', error: undefined, logFile: undefined },
      0,
    );
    store.tasks.change('t1', { status: 'active', nextRun: iso(START) });
    scheduler.wake();
    expect(store.runs.queued()).toEqual([]);
    expect(store.tasks.find('t1')?.status).toBe('completed');
  });

  it('skips slots of a task whose last run has not ended', async () => {
    const { store, scheduler, add } = rig();
    add({ scheduleType: 'interval', scheduleValue: '1000', nextRun: iso(START) });
    scheduler.wake();
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(store.runs.queued()).toHaveLength(1);
  });

  it('runs a one-time task again that set a new time for itself while it ran', async () => {
    const { store, scheduler, add } = rig();
    add({ nextRun: iso(START) });
    scheduler.wake();
    store.runs.startQueued('run-0001', START);
    store.tasks.change('t1', { nextRun: iso(START + MINUTE), status: 'active' });
    scheduler.wake();
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(store.runs.queued().map(({ slot }) => slot)).toEqual([iso(START + MINUTE)]);
  });

  it.each([
    ['an offset', (at: number) => new Date(at + 2 * HOUR).toISOString().replace('Z', '+02:00')],
    ['no milliseconds', (at: number) => iso(at).replace('.000Z', 'Z')],
    ['SQLite’s own form', (at: number) => iso(at).replace('T', ' ').replace('.000Z', '')],
  ])('reads a time that an operator wrote with %s', async (_, write) => {
    const { store, scheduler, add } = rig();
    add({ nextRun: write(START + HOUR) });
    scheduler.wake();
    expect(store.runs.queued()).toEqual([]);
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(store.runs.queued()).toHaveLength(1);
  });

  it('runs a missed task once at the start, then continues from now', () => {
    const { store, scheduler, add } = rig();
    add({ scheduleType: 'interval', scheduleValue: String(HOUR), nextRun: iso(START - 5 * HOUR - MINUTE) });
    scheduler.wake();
    expect(store.runs.queued()).toHaveLength(1);
    expect(store.tasks.find('t1')?.nextRun).toBe(iso(START + HOUR));
  });

  it('sets no timer while nothing is planned', () => {
    const { scheduler } = rig();
    scheduler.wake();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves a paused task alone', async () => {
    const { store, scheduler, add } = rig();
    add({ nextRun: iso(START + SECOND), status: 'paused' });
    scheduler.wake();
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(store.runs.queued()).toEqual([]);
  });

  it('notices a machine that slept through the instant', async () => {
    const { store, scheduler, add } = rig();
    add({ nextRun: iso(START + 3 * HOUR) });
    scheduler.wake();
    vi.setSystemTime(START + 4 * HOUR);
    await vi.advanceTimersByTimeAsync(15 * MINUTE);
    expect(store.runs.queued()).toHaveLength(1);
  });

  it('pauses a task whose group is gone', () => {
    const { store, scheduler, add } = rig();
    add({ folder: 'gone', nextRun: iso(START) });
    scheduler.wake();
    expect(store.tasks.find('t1')?.status).toBe('paused');
    expect(store.runs.queued()).toEqual([]);
  });

  it('runs a task whose schedule was broken by hand once and then pauses it', () => {
    const { store, scheduler, add } = rig();
    add({ scheduleType: 'cron', scheduleValue: 'nonsense', nextRun: iso(START) });
    scheduler.wake();
    expect(store.runs.queued()).toHaveLength(1);
    expect(store.tasks.find('t1')).toMatchObject({ status: 'completed', nextRun: null });
  });
});
