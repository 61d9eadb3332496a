import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../test/support/silent-log.ts';
import { temporaryDirectory } from '../test/support/temporary.ts';
import { counter, FAMILY, testStore, testTask } from '../test/support/test-store.ts';
import { announceChange, watchChanges } from './changes-by-commands.ts';
import { HOUR } from './clock.ts';
import { changeBeside } from './store/store.ts';
import { controlTask, formatTaskOutcome, type TaskAction } from './task-command.ts';

const NOW = Date.UTC(2026, 0, 15, 12);
const iso = (instant: number): string => new Date(instant).toISOString();

/** A host's store, and commands that use a connection of their own beside it. */
function rig() {
  const directory = temporaryDirectory();
  const store = testStore(directory);
  store.groups.add(FAMILY, 0);
  const beside = testStore(directory);
  const newId = counter('run');
  const control = (action: TaskAction, id: string) => {
    const limits = { minTaskIntervalMs: 60_000 };
    return controlTask({ store: beside, now: NOW, timezone: 'UTC', newId, limits }, action, id);
  };
  return { store, control };
}

describe('a command for a task', () => {
  it('pauses it with the run that waits, and resumes it from now on, with a clean slate', () => {
    const { store, control } = rig();
    store.tasks.add(testTask());
    control('run', 't');
    control('pause', 't');
    expect(store.tasks.find('t')).toMatchObject({ status: 'paused' });
    expect(store.runs.queued()).toEqual([]);
    store.tasks.setFailures('t', { inARow: 2, told: ['x'] });
    const { result } = control('resume', 't');
    expect(result.nextRunsLocal).toEqual([
      'Fri 16 Jan 2026, 09:00:00',
      'Sat 17 Jan 2026, 09:00:00',
      'Sun 18 Jan 2026, 09:00:00',
    ]);
    expect(store.tasks.find('t')).toMatchObject({ status: 'active', nextRun: '2026-01-16T09:00:00.000Z' });
    expect(store.tasks.failures('t')).toEqual({ inARow: 0, told: [] });
  });

  it('queues one run now and leaves the schedule as it is', () => {
    const { store, control } = rig();
    store.tasks.add(testTask({ nextRun: iso(NOW + HOUR) }));
    control('run', 't');
    control('run', 't');
    expect(store.runs.queued()).toMatchObject([{ taskId: 't', slot: iso(NOW), folder: FAMILY.folder }]);
    expect(store.tasks.find('t')).toMatchObject({ status: 'active', nextRun: iso(NOW + HOUR) });
  });

  it.each(['resume', 'run'] as const)(
    'refuses to %s it when its chat is not registered any more',
    (action) => {
      const { store, control } = rig();
      store.tasks.add(testTask({ status: 'paused' }));
      store.groups.remove(FAMILY.jid);
      expect(() => control(action, 't')).toThrow('not registered any more');
      expect(store.tasks.find('t')).toMatchObject({ status: 'paused' });
      expect(store.runs.queued()).toEqual([]);
    },
  );

  it.each(['paused', 'completed'] as const)(
    'names the command for a one-time task that is over and is %s',
    (status) => {
      const { store, control } = rig();
      const past = iso(NOW - HOUR);
      store.tasks.add(testTask({ status, scheduleType: 'once', scheduleValue: past, nextRun: past }));
      expect(() => control('resume', 't')).toThrow(/now: \.\/nanoclaw tasks run t$/);
      control('run', 't');
      expect(store.runs.queued()).toHaveLength(1);
    },
  );

  it('names the database and what to do while another program has it locked', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'store', 'messages.db');
    testStore(directory).tasks.add(testTask());
    const operator = new BetterSqlite3(file);
    onTestFinished(() => void operator.close());
    operator.exec('BEGIN IMMEDIATE');
    const change = changeBeside(file, (store) => store.transaction(() => store.tasks.remove('t')));
    await expect(change).rejects.toThrow(`The database ${file} is locked by another program`);
  });

  it('removes it with the run that waits', () => {
    const { store, control } = rig();
    store.tasks.add(testTask());
    control('run', 't');
    control('cancel', 't');
    expect(store.tasks.find('t')).toBeUndefined();
    expect(store.runs.queued()).toEqual([]);
  });

  it('takes a beginning of its id that no other has, and the whole id in any case', () => {
    const { store, control } = rig();
    for (const id of ['tea', 'tea-2', 'walk']) store.tasks.add(testTask({ id }));
    control('pause', 'wa');
    control('pause', 'tea');
    expect(store.tasks.all().map(({ id, status }) => [id, status])).toEqual([
      ['tea', 'paused'],
      ['tea-2', 'active'],
      ['walk', 'paused'],
    ]);
    expect(() => control('pause', 'te')).toThrow('Several tasks begin with "te": tea, tea-2');
  });

  it.each(['nothing', '', '%', '\u001b[2J'])('names the list of tasks when no task has the id %j', (id) => {
    const { store, control } = rig();
    store.tasks.add(testTask());
    expect(() => control('cancel', id)).toThrow(
      /^No task has the id "\P{Cc}*"\. They are listed by: .*nanoclaw tasks$/u,
    );
    expect(store.tasks.all()).toHaveLength(1);
  });

  it.each([
    [{ scheduleType: 'once', scheduleValue: '2026-01-15T11:00:00' }, 'in the past'],
    [{ scheduleType: 'cron', scheduleValue: '0 0 9 * * *' }, 'five fields'],
    [{ scheduleType: 'interval', scheduleValue: '1000' }, 'from 60000'],
  ] as const)('does not resume a task with the schedule %j', (schedule, words) => {
    const { store, control } = rig();
    store.tasks.add(testTask({ ...schedule, status: 'paused' }));
    expect(() => control('resume', 't')).toThrow(words);
    expect(store.tasks.find('t')).toMatchObject({ status: 'paused' });
  });

  it('says what it has done, without control characters of a prompt', () => {
    const { store, control } = rig();
    store.tasks.add(testTask({ prompt: 'water\u001b[2J the plants\nand more' }));
    const words = (action: TaskAction, hostRuns = true) =>
      formatTaskOutcome(action, control(action, 't'), hostRuns);
    expect(words('pause')).toBe(
      'Paused t (water [2J the plants). It runs again after: ./nanoclaw tasks resume t',
    );
    expect(words('resume')).toBe('Resumed t (water [2J the plants). Next run: Fri 16 Jan 2026, 09:00:00');
    expect(words('run', false)).toContain('It starts with the assistant');
    expect(words('run')).toContain('as soon as its chat has no other turn');
    expect(words('cancel')).toBe('Cancelled and removed t (water [2J the plants).');
  });
});

it('a change that a command announces is seen by the host that watches', async () => {
  const directory = join(temporaryDirectory(), 'changed');
  mkdirSync(directory);
  const onChange = vi.fn();
  onTestFinished(watchChanges(directory, onChange, silentLog));
  await announceChange(directory, NOW);
  await vi.waitFor(() => expect(onChange).toHaveBeenCalled());
  onChange.mockClear();
  await announceChange(directory, NOW + 1);
  await vi.waitFor(() => expect(onChange).toHaveBeenCalled());
});

it('a host goes on when changes by commands cannot be watched', () => {
  expect(watchChanges(join(temporaryDirectory(), 'missing'), () => undefined, silentLog)).not.toThrow();
});
