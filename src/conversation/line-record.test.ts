import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { MAIN, testStore } from '../../test/support/test-store.ts';
import type { LineState } from '../channel/channel.ts';
import { HOUR, MINUTE, SECOND } from '../clock.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { LineRecord } from './line-record.ts';

const OPEN: LineState = { status: 'open' };
const AWAY: LineState = { status: 'connecting', reason: 'closed; next try in 1 s' };

function rig() {
  const store = testStore();
  store.groups.add(MAIN, 0);
  const clock = { at: Date.UTC(2026, 0, 1, 2, 10), now: () => clock.at };
  const start = () => {
    const record = new LineRecord({
      store,
      clock,
      timezone: 'Europe/Berlin',
      log: silentLog,
      timings: DEFAULT_TIMINGS,
    });
    onTestFinished(() => record.stop());
    return record;
  };
  const told = () => store.outbox.heads().map(({ message }) => message);
  return { store, clock, start, told, record: start() };
}

describe('the record of the connection', () => {
  it('reports a long disconnection to the main channel once, with its own times', () => {
    const { clock, record, told } = rig();
    record.onLine(OPEN);
    record.onLine(AWAY);
    clock.at += 2 * HOUR + 30 * MINUTE;
    record.onLine(AWAY);
    record.onLine(OPEN);
    clock.at += HOUR;
    record.onLine(OPEN);
    expect(told()).toEqual([
      {
        kind: 'text',
        text: 'ℹ️ I was away from 03:10 to 05:40, without a connection to WhatsApp. What came meanwhile is answered now.',
      },
    ]);
  });

  it('names the days of a disconnection over midnight', () => {
    const { clock, record, told } = rig();
    record.onLine(OPEN);
    record.onLine(AWAY);
    clock.at += 30 * HOUR;
    record.onLine(OPEN);
    expect(told()).toMatchObject([
      { text: expect.stringContaining('from Thu 1 Jan, 03:10 to Fri 2 Jan, 09:10') },
    ]);
  });

  it('is silent after a short disconnection, a flapping connection, and the first one', () => {
    const { clock, record, told } = rig();
    record.onLine(AWAY);
    clock.at += HOUR;
    for (let n = 0; n < 20; n += 1) {
      record.onLine(OPEN);
      record.onLine(AWAY);
      clock.at += 9 * MINUTE;
    }
    record.onLine(OPEN);
    expect(told()).toEqual([]);
  });

  it('counts a disconnection from its beginning when the host was restarted in it', () => {
    const { clock, record, start, told } = rig();
    record.onLine(OPEN);
    record.onLine(AWAY);
    clock.at += HOUR;
    const next = start();
    next.onLine(AWAY);
    clock.at += MINUTE;
    next.onLine(OPEN);
    expect(told()).toMatchObject([{ text: expect.stringContaining('from 03:10 to 04:11') }]);
    start().onLine(OPEN);
    expect(told()).toHaveLength(1);
  });

  it('counts a disconnection from the start of a host that was offline from its beginning', () => {
    const { store, clock, record, told } = rig();
    store.state.set('account', MAIN.jid);
    record.onLine({ status: 'connecting' });
    clock.at += 5 * MINUTE;
    record.onLine(AWAY);
    clock.at += 6 * MINUTE;
    record.onLine(OPEN);
    expect(told()).toMatchObject([{ text: expect.stringContaining('from 03:10 to 03:21') }]);
  });

  it('counts no disconnection before the first pairing, however long that takes', () => {
    const { clock, record, told } = rig();
    record.onLine({ status: 'unpaired', qr: 'x' });
    clock.at += HOUR;
    record.onLine(AWAY);
    record.onLine(OPEN);
    expect(told()).toEqual([]);
  });

  it('waits for a database that cannot be written, and reports the disconnection with its times afterwards', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { store, clock, record, told } = rig();
    record.onLine(OPEN);
    const transaction = vi.spyOn(store, 'transaction').mockImplementation(() => {
      throw new Error('database is locked');
    });
    record.onLine(AWAY);
    clock.at += 15 * MINUTE;
    record.onLine(OPEN);
    expect(store.state.get('line')).toBe('open');
    expect(transaction).toHaveBeenCalledTimes(1);
    transaction.mockRestore();
    vi.advanceTimersByTime(10 * SECOND);
    expect(told()).toMatchObject([{ text: expect.stringContaining('from 03:10 to 03:25') }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('tries a last time to save what the database refused, when the host stops', () => {
    const { store, record } = rig();
    const transaction = vi.spyOn(store, 'transaction').mockImplementation(() => {
      throw new Error('database is locked');
    });
    record.onLine(OPEN);
    transaction.mockRestore();
    record.stop();
    expect(store.state.get('line')).toBe('open');
  });

  it('keeps the state in words and its start, whatever the reason', () => {
    const { store, clock, record } = rig();
    record.onLine(AWAY);
    const since = new Date(clock.at).toISOString();
    clock.at += MINUTE;
    record.onLine({ status: 'connecting', reason: 'another' });
    expect([store.state.get('line'), store.state.get('line:since')]).toEqual(['connecting: another', since]);
  });
});
