import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { testStore } from '../../test/support/test-store.ts';
import type { LineState } from '../channel/channel.ts';
import { systemClock } from '../clock.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { GroupRounds } from './group-rounds.ts';

const HOUR = 3_600_000;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function rig() {
  const store = testStore();
  const channel = {
    state: { status: 'open' } as LineState,
    fails: false,
    asked: 0,
    syncGroups: async () => {
      channel.asked++;
      if (channel.fails) throw new Error('timed out');
      return 3;
    },
  };
  const rounds = new GroupRounds({
    store,
    channel,
    clock: systemClock,
    log: silentLog,
    timings: DEFAULT_TIMINGS,
  });
  onTestFinished(() => rounds.stop());
  return { store, channel, rounds };
}

it('all groups are requested when the connection opens first, and once a day after that', async () => {
  const { rounds, channel, store } = rig();
  rounds.lineOpened();
  await vi.advanceTimersByTimeAsync(1);
  expect(channel.asked).toBe(1);
  expect(store.state.get('groups:synced')).toBe(new Date(Date.now() - 1).toISOString());
  rounds.lineOpened();
  await vi.advanceTimersByTimeAsync(23 * HOUR);
  expect(channel.asked).toBe(1);
  await vi.advanceTimersByTimeAsync(2 * HOUR);
  expect(channel.asked).toBe(2);
});

it('a request for all groups that was not answered is repeated after a while', async () => {
  const { rounds, channel, store } = rig();
  channel.fails = true;
  rounds.lineOpened();
  await vi.advanceTimersByTimeAsync(1);
  expect(store.state.get('groups:synced')).toBeUndefined();
  channel.fails = false;
  await vi.advanceTimersByTimeAsync(HOUR / 6);
  expect(channel.asked).toBe(2);
  expect(store.state.get('groups:synced')).toBeDefined();
});

it('no groups are requested while WhatsApp is disconnected', async () => {
  const { rounds, channel } = rig();
  channel.state = { status: 'connecting' };
  rounds.lineOpened();
  await vi.advanceTimersByTimeAsync(48 * HOUR);
  expect(channel.asked).toBe(0);
});

it('a caller that asks during a request for all groups shares its answer', async () => {
  const { rounds, channel } = rig();
  expect(await Promise.all([rounds.now(), rounds.now()])).toEqual([3, 3]);
  expect(channel.asked).toBe(1);
});
