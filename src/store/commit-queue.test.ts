import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { testStore } from '../../test/support/test-store.ts';
import { SECOND, systemClock } from '../clock.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { CommitQueue } from './commit-queue.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function rig() {
  const directory = temporaryDirectory();
  const store = testStore(directory, 0);
  const { log, lines } = rememberingLog();
  const commits = new CommitQueue({ store, clock: systemClock, log, timings: DEFAULT_TIMINGS });
  onTestFinished(() => commits.stop());
  const operator = new BetterSqlite3(join(directory, 'store', 'messages.db'));
  onTestFinished(() => void operator.close());
  const set = (value: string): boolean => commits.add('a value', () => store.state.set('line', value));
  const rings = vi.fn();
  store.bells.on('tasks', rings);
  return { store, commits, operator, lines, set, rings };
}

it('what is told while the database is locked is committed in its order when the lock is gone', () => {
  const { store, operator, set, lines } = rig();
  operator.exec('BEGIN IMMEDIATE');
  expect([set('first'), set('second')]).toEqual([false, false]);
  operator.exec('COMMIT');
  expect(lines).toMatchObject([{ level: 50 }]);
  vi.advanceTimersByTime(SECOND);
  expect(store.state.get('line')).toBe('second');
  expect(set('third')).toBe(true);
  expect(store.state.get('line')).toBe('third');
});

it('a batch is one transaction, and rings once when it is committed', async () => {
  const { store, commits, rings } = rig();
  const transaction = vi.spyOn(store, 'transaction');
  commits.together(() => {
    for (let n = 0; n < 1_000; n += 1) {
      const isCommitted = commits.add('a task', () => void store.tasks.change('t', { status: 'paused' }));
      expect(isCommitted).toBe(false);
    }
    commits.together(() => void commits.add('a value', () => store.state.set('line', 'in it')));
    expect(store.state.get('line')).toBeUndefined();
  });
  expect(store.state.get('line')).toBe('in it');
  expect(transaction).toHaveBeenCalledTimes(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(rings.mock.calls.length).toBeLessThanOrEqual(1);
});

it('a write that fails by itself is logged and holds up no other of its batch', () => {
  const { store, commits, set, lines } = rig();
  commits.together(() => {
    set('before');
    commits.add('a broken thing', () => {
      throw new Error('it is broken');
    });
    commits.add('another', () => store.state.set('sandbox', 'after'));
  });
  expect([store.state.get('line'), store.state.get('sandbox')]).toEqual(['before', 'after']);
  expect(lines).toMatchObject([{ level: 50, msg: 'Recording a broken thing failed' }]);
});

it('what still waits when the host stops is tried a last time', () => {
  const { store, commits, operator, set } = rig();
  operator.exec('BEGIN IMMEDIATE');
  set('late');
  operator.exec('COMMIT');
  commits.stop();
  expect(store.state.get('line')).toBe('late');
});
