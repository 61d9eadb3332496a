import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { counter, FAMILY, MAIN, testStore, testTask } from '../../test/support/test-store.ts';
import { wordsOf } from '../channel/channel.ts';
import { HOUR, MINUTE } from '../clock.ts';
import type { Store } from '../store/store.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import type { Failure } from './notices.ts';
import { Settlement } from './settlement.ts';

const START = Date.UTC(2026, 0, 1, 12);

const failure = (change: Partial<Failure> = {}): Failure => ({
  words: 'the agent reported an error: no such file',
  detail: 'no such file',
  isExplained: true,
  retryable: false,
  isOutage: false,
  ...change,
});
const OUTAGE = failure({ isOutage: true, words: 'the model’s service could not be reached' });
const BUSY = failure({ isOutage: true, words: 'the model’s service is too busy' });

/** A task whose runs end as they are told to, a minute after each other. */
function rig(store = testStore(), jid = FAMILY.jid, start = START) {
  for (const group of [MAIN, FAMILY])
    if (store.groups.find(group.jid) === undefined) store.groups.add(group, 0);
  const folder = jid === MAIN.jid ? MAIN.folder : FAMILY.folder;
  const newId = counter(`run-${start}`);
  let now = start;
  const settlement = new Settlement(store, newId, () => now, DEFAULT_TIMINGS);
  const begin = () => {
    now += MINUTE;
    const id = newId();
    const slot = new Date(now).toISOString();
    store.runs.queueTask({ id, folder, chatJid: jid, taskId: 't', slot, attempt: 1, notBefore: 0 }, now);
    return store.runs.startQueued(id, now);
  };
  const end = { exitReason: 'exited', logFile: 'container-1.log' };
  return {
    store,
    fail: (how: Failure = failure()) => settlement.fail(begin(), end, how),
    succeed: () => settlement.succeed(begin(), end, 'done'),
    status: () => store.tasks.find('t')?.status,
    told: () => takeTexts(store, jid),
  };
}

/** What a chat was told since the last look. */
function takeTexts(store: Store, jid: string): string[] {
  const texts: string[] = [];
  for (let [head] = store.outbox.heads(); head !== undefined; [head] = store.outbox.heads()) {
    if (head.chatJid === jid) texts.push(wordsOf(head.message));
    store.outbox.settle(head.seq, 'sent', 0);
  }
  return texts;
}

describe('a task that fails each time', () => {
  it.each(["'{'", "'null'", "'[1]'", "X'7B'"])(
    'is told and counted also when told_failures was set to %s by hand',
    (told) => {
      const directory = temporaryDirectory();
      const { store, fail, told: texts } = rig(testStore(directory));
      store.tasks.add(testTask());
      const sqlite = new BetterSqlite3(join(directory, 'store', 'messages.db'));
      sqlite.exec(`UPDATE scheduled_tasks SET told_failures = ${told}`);
      sqlite.close();
      fail();
      expect(texts()).toHaveLength(1);
      expect(store.tasks.failures('t')).toEqual({
        inARow: 1,
        told: [expect.stringContaining('no such file')],
      });
    },
  );

  it('tells its chat once, and once more when it is paused after three failures, with the command that resumes it', () => {
    const { store, fail, status, told } = rig();
    store.tasks.add(testTask({ prompt: 'water the plants\nand the lawn' }));
    fail();
    expect(told()).toEqual([expect.stringContaining('no such file')]);
    fail();
    expect([told(), status()]).toEqual([[], 'active']);
    fail();
    expect(told()).toEqual([
      expect.stringMatching(
        /The task “water the plants.*3 times in a row, so I paused it.*nanoclaw tasks resume t$/,
      ),
    ]);
    expect(store.tasks.find('t')).toMatchObject({ status: 'paused', lastResult: 'Paused: no such file' });
  });

  it('is paused although its errors differ, and its chat is told of each of them once', () => {
    const { store, fail, status, told } = rig();
    store.tasks.add(testTask());
    fail();
    fail(failure({ words: 'the agent took too long and was stopped' }));
    expect(told()).toHaveLength(2);
    fail();
    expect(told()).toHaveLength(1);
    expect(status()).toBe('paused');
  });

  it('tells nothing new when only a number or an id in its error is another', () => {
    const { store, fail, told } = rig();
    store.tasks.add(testTask());
    fail(failure({ words: 'HTTP 500 (request req_011CabcD, attempt 1)' }));
    fail(failure({ words: 'HTTP 500 (request req_99xyz1, attempt 2)' }));
    expect(told()).toHaveLength(1);
  });

  it('is never paused for an outage of the model’s service, and its chat is told of that once', () => {
    const { store, fail, status, told } = rig();
    store.tasks.add(testTask());
    for (let n = 0; n < 30; n++) fail(n % 2 === 0 ? OUTAGE : BUSY);
    expect(told()).toEqual([expect.stringContaining('could not be reached')]);
    expect(status()).toBe('active');
  });

  it('is not paused for failures before and after a success, and its chat is told of the later one again', () => {
    const { store, fail, succeed, status, told } = rig();
    store.tasks.add(testTask());
    for (let round = 0; round < 3; round++) {
      fail();
      fail();
      succeed();
      expect(told()).toHaveLength(1);
    }
    expect(status()).toBe('active');
  });

  it('is counted across restarts of the host, and across outages', () => {
    const directory = temporaryDirectory();
    const restarted = (hour: number) => rig(testStore(directory), FAMILY.jid, START + hour * HOUR);
    restarted(0).store.tasks.add(testTask());
    restarted(1).fail();
    restarted(2).fail(OUTAGE);
    restarted(3).fail();
    expect(restarted(4).status()).toBe('active');
    restarted(5).fail();
    expect(restarted(6).status()).toBe('paused');
  });

  it('names the log of its run in the main channel only', () => {
    const family = rig();
    family.store.tasks.add(testTask());
    family.fail();
    expect(family.told()).toEqual([expect.not.stringContaining('container-1.log')]);
    const main = rig(testStore(), MAIN.jid);
    main.store.tasks.add(testTask({ folder: MAIN.folder, chatJid: MAIN.jid }));
    main.fail();
    expect(main.told()).toEqual([expect.stringContaining('container-1.log')]);
  });

  it('tells each failure while it is paused: somebody has asked for that run', () => {
    const { store, fail, told } = rig();
    store.tasks.add(testTask({ status: 'paused' }));
    fail();
    fail();
    expect(told()).toHaveLength(2);
  });

  it('may fail three times again after it was resumed by hand in the database', () => {
    const { store, fail, status } = rig();
    store.tasks.add(testTask());
    for (let n = 0; n < 3; n++) fail();
    store.tasks.change('t', { status: 'active', nextRun: new Date(START + HOUR).toISOString() });
    fail();
    fail();
    expect(status()).toBe('active');
    fail();
    expect(status()).toBe('paused');
  });

  it('counts a failure once that is tried again first', () => {
    const { store, fail, told } = rig();
    store.tasks.add(testTask());
    expect(fail(failure({ retryable: true }))).toBe('again');
    expect(told()).toEqual([]);
    expect(store.tasks.failures('t').inARow).toBe(0);
  });
});
