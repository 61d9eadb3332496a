import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it, onTestFinished, vi } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, testStore } from '../../test/support/test-store.ts';
import { SECOND, systemClock } from '../clock.ts';
import { CommitQueue } from '../store/commit-queue.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { Merging } from './merging.ts';

const LID = '102@lid';
const PETER = '491512345678@s.whatsapp.net';

it('two addresses are merged as soon as the database allows it', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const directory = temporaryDirectory();
  const store = testStore(directory, 0);
  const { log, lines } = rememberingLog();
  const commits = new CommitQueue({ store, clock: systemClock, log, timings: DEFAULT_TIMINGS });
  const merging = new Merging(store, commits, log);
  const operator = new BetterSqlite3(join(directory, 'store', 'messages.db'));
  operator.exec('BEGIN IMMEDIATE');
  for (let n = 0; n < 2; n += 1) expect(merging.onSamePerson(LID, PETER)).toBe(false);
  expect(lines.filter(({ msg }) => /has to wait/.test(String(msg)))).toHaveLength(1);
  operator.exec('COMMIT');
  operator.close();
  vi.advanceTimersByTime(SECOND);
  expect(store.samePerson.current(LID)).toBe(PETER);
  expect(merging.onSamePerson(LID, PETER)).toBe(true);
  commits.stop();
});

it('a folder that is given up by a merge is named in the log', () => {
  const store = testStore();
  const { log, lines } = rememberingLog();
  store.groups.add({ ...FAMILY, jid: LID, folder: 'old' }, 0);
  store.groups.add({ ...FAMILY, jid: PETER, folder: 'new' }, 0);
  const commits = new CommitQueue({ store, clock: systemClock, log, timings: DEFAULT_TIMINGS });
  new Merging(store, commits, log).onSamePerson(LID, PETER);
  expect(lines).toMatchObject([{ level: 40, folder: 'old' }]);
  commits.stop();
});
