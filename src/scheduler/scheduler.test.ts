import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { counter, FAMILY, MAIN, testStore } from '../../test/support/test-store.ts';
import { wordsOf } from '../channel/channel.ts';
import { HOUR, MINUTE, SECOND } from '../clock.ts';
import { SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4 } from '../store/schema.ts';
import type { NewTask } from '../store/tasks.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { Scheduler } from './scheduler.ts';

const START = Date.UTC(2026, 0, 1, 12);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: START });
});

afterEach(() => {
  vi.useRealTimers();
});

function rig(store = testStore()) {
  if (store.groups.find(MAIN.jid) === undefined) store.groups.add(MAIN, 0);
  const options = {
    store,
    clock: { now: () => Date.now() },
    newId: counter('run'),
    log: silentLog,
    timezone: 'UTC',
    minIntervalMs: MINUTE,
    timings: DEFAULT_TIMINGS,
  };
  const scheduler = new Scheduler(options);
  onTestFinished(() => scheduler.stop());
  const add = (change: Partial<NewTask> & { nextRun: string | null }): void =>
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
    add({ scheduleType: 'interval', scheduleValue: '60000', nextRun: iso(START) });
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
    await vi.advanceTimersByTimeAsync(30 * SECOND);
    expect(store.runs.queued()).toHaveLength(1);
  });

  it('pauses a task whose chat is gone although another one has its folder', () => {
    const { store, scheduler, add } = rig();
    add({ chatJid: 'gone@g.us', nextRun: iso(START) });
    scheduler.wake();
    expect(store.tasks.find('t1')?.status).toBe('paused');
    expect(store.runs.queued()).toEqual([]);
  });

  it('pauses a task whose group is gone', () => {
    const { store, scheduler, add } = rig();
    add({ folder: 'gone', nextRun: iso(START) });
    scheduler.wake();
    expect(store.tasks.find('t1')?.status).toBe('paused');
    expect(store.runs.queued()).toEqual([]);
  });

  it.each<[NewTask['scheduleType'], string, string]>([
    ['cron', 'nonsense', 'five fields'],
    ['cron', '0 9 * *', 'five fields'],
    ['cron', '0 0 9 * * *', 'five fields'],
    ['cron', '0 9 30 2 *', 'cron expression'],
    ['interval', '1000', 'from 60000'],
    ['daily' as 'cron', '9', 'cron, interval or once'],
  ])(
    'runs a task whose schedule %s %s was broken by hand once, then pauses it and tells its chat',
    async (scheduleType, scheduleValue, why) => {
      const { store, scheduler, add } = rig();
      add({ scheduleType, scheduleValue, prompt: 'stretch\nand rest', nextRun: iso(START) });
      scheduler.wake();
      await vi.advanceTimersByTimeAsync(HOUR);
      expect(store.runs.queued()).toHaveLength(1);
      expect(store.tasks.find('t1')).toMatchObject({
        status: 'paused',
        nextRun: null,
        lastResult: expect.stringContaining(why),
      });
      const texts = store.outbox.heads().map(({ message }) => wordsOf(message));
      expect(texts).toEqual([expect.stringMatching(/paused the task “stretch”.*nanoclaw tasks resume t1$/)]);
    },
  );

  it('runs a task with a short interval that was there before intervals had a minimum', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'store', 'messages.db');
    mkdirSync(dirname(file));
    const old = new BetterSqlite3(file);
    old.exec(SCHEMA_1 + SCHEMA_2 + SCHEMA_3 + SCHEMA_4);
    old.exec(`
      INSERT INTO scheduled_tasks VALUES
        ('t1', 'main', '${MAIN.jid}', 'x', NULL, 'interval', '5000', 'group', '${iso(START)}', NULL, NULL, 'active', '');
      PRAGMA user_version = 4`);
    old.close();
    const { store, scheduler } = rig(testStore(directory));
    scheduler.wake();
    expect(store.tasks.find('t1')).toMatchObject({ status: 'active', nextRun: iso(START + 5 * SECOND) });
  });

  it.each([
    ['cron', '0 13 * * *', '+010000-01-01T00:00:00.000Z', iso(START + HOUR)],
    ['interval', String(HOUR), '-000001-01-01T00:00:00.000Z', iso(START + HOUR)],
    ['interval', String(HOUR), 'soon', iso(START + HOUR)],
    ['interval', String(HOUR), '09:00', iso(START + HOUR)],
    ['interval', String(HOUR), '1969-12-31 23:59:59', iso(START + HOUR)],
    ['interval', String(HOUR), '5', iso(START + HOUR)],
    ['once', iso(START + HOUR), '99999999999999', iso(START + HOUR)],
  ] as const)(
    'runs no task at once whose next_run is no instant: %s %s with %s',
    async (type, value, nextRun, next) => {
      const { store, scheduler, add } = rig();
      add({ scheduleType: type, scheduleValue: value, nextRun });
      scheduler.wake();
      expect(store.runs.queued()).toEqual([]);
      expect(store.tasks.find('t1')).toMatchObject({ status: 'active', nextRun: next });
      await vi.advanceTimersByTimeAsync(HOUR);
      expect(store.runs.queued()).toMatchObject([{ slot: next }]);
    },
  );

  it.each(['+012000-01-01T00:00:00Z', '2020-01-01T00:00:00Z'])(
    'pauses a one-time task whose next_run is no instant, and whose schedule of %s gives none',
    (scheduleValue) => {
      const { store, scheduler, add } = rig();
      add({ scheduleValue, nextRun: 'soon' });
      scheduler.wake();
      expect(store.runs.queued()).toEqual([]);
      expect(store.tasks.find('t1')).toMatchObject({ status: 'paused' });
    },
  );

  it('lets the event loop go on between slices of a thousand tasks that are due at one instant', async () => {
    const { store, scheduler, add } = rig();
    store.transaction(() => {
      for (let n = 0; n < 1_000; n++) add({ id: `t${n}`, nextRun: iso(START) });
    });
    store.bells.on('tasks', () => scheduler.wake());
    const claimed = [0];
    scheduler.wake();
    while (claimed.length < 1_000 && claimed.at(-1) !== 1_000) {
      claimed.push(store.runs.queued().length);
      await new Promise(setImmediate);
    }
    const slices = claimed.slice(1).map((count, index) => count - (claimed[index] ?? 0));
    expect(claimed.at(-1)).toBe(1_000);
    expect(Math.max(...slices)).toBeLessThanOrEqual(50);
  });

  it('does not run a task that was cancelled or paused while others that were due before it were claimed', async () => {
    const { store, scheduler, add } = rig();
    for (let n = 100; n < 200; n++) add({ id: `t${n}`, nextRun: iso(START) });
    scheduler.wake();
    store.tasks.remove('t198');
    store.tasks.change('t199', { status: 'paused' });
    await vi.waitFor(() => expect(store.runs.queued()).toHaveLength(98));
    expect(store.tasks.find('t199')).toMatchObject({ status: 'paused', nextRun: iso(START) });
  });

  it('pauses a due task of a chat of another channel, as v1 had them', () => {
    const { store, scheduler, add } = rig();
    store.groups.add({ ...FAMILY, jid: 'tg:123' }, 0);
    add({ folder: FAMILY.folder, chatJid: 'tg:123', nextRun: iso(START) });
    scheduler.wake();
    expect(store.runs.queued()).toEqual([]);
    expect(store.tasks.find('t1')).toMatchObject({ status: 'paused' });
  });

  it('never ends a daily task in a zone whose clocks change by half an hour', () => {
    const { store, options, add } = rig();
    const scheduler = new Scheduler({ ...options, timezone: 'Australia/Lord_Howe' });
    onTestFinished(() => scheduler.stop());
    const slot = iso(Date.UTC(2025, 9, 3, 22, 30));
    add({ scheduleType: 'cron', scheduleValue: '0 9 * * *', nextRun: slot });
    vi.setSystemTime(Date.UTC(2026, 3, 4, 12));
    scheduler.wake();
    expect(store.tasks.find('t1')).toMatchObject({ status: 'active', nextRun: '2026-04-04T22:30:00.000Z' });
  });
});
