import { expect, it } from 'vitest';
import { silentLog } from '../test/support/silent-log.ts';
import { temporaryDirectory } from '../test/support/temporary.ts';
import { loadBaseConfig } from './config.ts';
import { openInstance } from './instance.ts';
import { readStatus } from './operations/status.ts';
import { lockedBy } from './store/host-lock.ts';
import { lookInto } from './store/store.ts';

it('the status of a host that is still starting tells nothing of the connection of an earlier host', async () => {
  const root = temporaryDirectory();
  const config = loadBaseConfig({ NANOCLAW_ROOT: root, HOME: root });
  const before = await openInstance(config, silentLog);
  const { paths } = before;
  const status = () =>
    lookInto(paths.database, (store) => {
      const holder = lockedBy(paths.hostLock);
      return readStatus(store, holder?.pid ?? null, 0, [], '2.3000.1', holder?.start);
    });
  expect(await status()).toMatchObject({ hostPid: process.pid, line: 'starting' });
  before.store.state.set('line', 'open');
  before.store.state.set('line:since', '2026-01-01T08:00:00.000Z');
  expect(await status()).toMatchObject({ line: 'open', lineSince: '2026-01-01T08:00:00.000Z' });
  const start = lockedBy(paths.hostLock)?.start;
  before.close();
  expect(await status()).toMatchObject({ hostPid: null, line: 'not running', lineSince: null });
  // As while the next one has the lock and has not opened its database yet.
  const early = await lookInto(paths.database, (store) => readStatus(store, 1, 0, [], '2.3000.1', 'another'));
  expect(early).toMatchObject({ line: 'starting', lineSince: null });
  const after = await openInstance(config, silentLog);
  expect(lockedBy(paths.hostLock)?.start).not.toBe(start);
  const { line, lineSince } = (await status()) ?? {};
  expect(line).toBe('starting');
  expect(lineSince).not.toBe('2026-01-01T08:00:00.000Z');
  after.close();
});
