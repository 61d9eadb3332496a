import { join } from 'node:path';
import type { GroupMetadata } from '@whiskeysockets/baileys';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../test/support/silent-log.ts';
import { temporaryDirectory } from '../test/support/temporary.ts';
import { counter, MAIN, testStore } from '../test/support/test-store.ts';
import type { ChannelListener } from './channel/channel.ts';
import { Groups } from './channel/whatsapp/groups.ts';
import { Identity } from './channel/whatsapp/identity.ts';
import { SECOND, systemClock } from './clock.ts';
import { loadBaseConfig } from './config.ts';
import { wireLine } from './line.ts';
import { pathsAt } from './paths.ts';
import { DEFAULT_TIMINGS } from './timings.ts';

/** The listener that the channel gets, on a real store. */
function rig() {
  const root = temporaryDirectory();
  const store = testStore(root, 0);
  store.groups.add(MAIN, 0);
  const { listener, stop } = wireLine({
    config: loadBaseConfig({ NANOCLAW_ROOT: root, HOME: root }),
    paths: pathsAt(root, root),
    store,
    clock: systemClock,
    newId: counter(),
    log: silentLog,
    timings: DEFAULT_TIMINGS,
    onLine: () => undefined,
    keepOfferingQr: false,
  });
  onTestFinished(stop);
  /** Runs `work` while somebody else has the database locked. */
  const whileLocked = (work: () => void): void => {
    const operator = new BetterSqlite3(join(root, 'store', 'messages.db'));
    operator.exec('BEGIN IMMEDIATE');
    try {
      work();
    } finally {
      operator.exec('COMMIT');
      operator.close();
    }
  };
  return { store, listener, whileLocked };
}

/** 1,000 groups of 3 people each, who are known by LID and number. */
function thousandGroups(): GroupMetadata[] {
  return Array.from({ length: 1_000 }, (_, n) => ({
    id: `${n}@g.us`,
    subject: `Group ${n}`,
    owner: undefined,
    participants: Array.from({ length: 3 }, (_, m) => {
      const person = (n * 2 + m) % 200;
      return { id: `${person + 10_000}@lid`, phoneNumber: `${person + 4_915_100_000}@s.whatsapp.net` };
    }),
  }));
}

function groupsOf(listener: ChannelListener): Groups {
  const numbers = new Map<string, string>();
  const book = {
    numberOf: (lid: string) => numbers.get(lid),
    lidOf: () => undefined,
    learntNumber: (lid: string) => numbers.get(lid),
    learnNumber: (lid: string, number: string) => void numbers.set(lid, number),
  };
  const identity = new Identity(
    book,
    () => ({ id: '491510:7@s.whatsapp.net' }),
    (from, to) => listener.onSamePerson(from, to),
  );
  return new Groups(listener, identity, () => undefined, silentLog);
}

it('a first list of 1,000 groups is recorded once and is one event, although it comes twice', async () => {
  const { store, listener } = rig();
  const groups = groupsOf(listener);
  const rings = vi.fn();
  for (const bell of ['groups', 'messages', 'tasks', 'outbox'] as const) store.bells.on(bell, rings);
  const commits = vi.spyOn(store, 'transaction');
  const list = thousandGroups();
  await groups.sync({
    groupMetadata: () => Promise.reject(new Error('must not be asked')),
    // As Baileys does, which emits what it returns.
    groupFetchAllParticipating: async () => {
      groups.updateAll(list);
      return Object.fromEntries(list.map((group) => [group.id, group]));
    },
  });
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(store.chats.groups()).toHaveLength(1_000);
  expect(store.members.count('999@g.us')).toBe(3);
  expect(store.samePerson.current('10001@lid')).toBe('4915100001@s.whatsapp.net');
  expect(rings).toHaveBeenCalledTimes(1);
  // Of each group its name, its members and what came with it, all inside of one.
  expect(commits.mock.calls.length).toBeLessThan(2_100);
  rings.mockClear();
  groups.updateAll(structuredClone(list));
  await new Promise((resolve) => setImmediate(resolve));
  expect(rings).not.toHaveBeenCalled();
});

it('what the channel tells while the database is locked is recorded when the lock is gone', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { store, listener, whileLocked } = rig();
  const account = { jid: MAIN.jid, selfChatJid: MAIN.jid, name: 'Ann', linkId: 'link' };
  whileLocked(() => {
    expect(listener.onAccount(account, true)).toBe(false);
    listener.onRestriction('No new chats');
    listener.onMembers('1@g.us', [{ jid: MAIN.jid, isAdmin: true }]);
    listener.onChat({ jid: '1@g.us', name: 'Family', isGroup: true });
    listener.onAllGroups(['1@g.us']);
    expect(listener.onSamePerson('102@lid', '4915102@s.whatsapp.net')).toBe(false);
  });
  expect(store.state.get('account')).toBeUndefined();
  vi.advanceTimersByTime(SECOND);
  expect(store.state.get('account')).toBe(MAIN.jid);
  expect(store.state.get('restriction')).toBe('No new chats');
  expect(store.members.count('1@g.us')).toBe(1);
  expect(store.chats.find('1@g.us')?.name).toBe('Family');
  expect(store.samePerson.current('102@lid')).toBe('4915102@s.whatsapp.net');
});

it('a message that comes right after a lock is stored behind what the channel told during it', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { store, listener, whileLocked } = rig();
  store.groups.remove(MAIN.jid);
  const account = { jid: MAIN.jid, selfChatJid: MAIN.jid, name: 'Ann', linkId: 'link' };
  whileLocked(() => void listener.onAccount(account, true));
  const message = {
    id: 'A',
    chatJid: MAIN.jid,
    senderJid: MAIN.jid,
    senderName: 'Ann',
    text: '@Andy hello',
    timestamp: Date.now(),
    fromMe: true,
    isGroup: false,
  };
  expect(listener.onMessage(message)).toBe(true);
  expect(store.messages.waiting()).toMatchObject([{ chatJid: MAIN.jid }]);
});
