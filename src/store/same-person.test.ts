import { describe, expect, it } from 'vitest';
import { FAMILY, MAIN, newMessage, testStore, testTask } from '../../test/support/test-store.ts';
import type { RegisteredGroup } from './groups.ts';
import type { Store } from './store.ts';

const LID = '102@lid';
const PETER = '491512345678@s.whatsapp.net';

const direct = (jid: string, folder: string): RegisteredGroup => ({ ...FAMILY, jid, folder, name: 'Peter' });

function said(store: Store, id: string, chatJid: string, sender = chatJid): void {
  store.messages.add(newMessage({ id, chatJid, sender, fromMe: false, isTrigger: true, text: id }));
}

function texts(store: Store, jid: string): readonly string[] {
  return store.messages.ofTurn(jid, 0, { before: 9, from: 99 }).map(({ text }) => text);
}

function chatAt(store: Store, jid: string, name: string | undefined, hour: number): void {
  store.chats.note({ jid, name, isGroup: false, lastActivity: Date.UTC(2026, 0, 1, hour) });
}

describe('a chat whose number becomes known', () => {
  it('keeps its registration, messages, cursor, tasks, runs and what waits to be sent', () => {
    const store = testStore();
    chatAt(store, LID, 'Peter', 9);
    store.groups.add(direct(LID, 'peter'), 0);
    said(store, 'one', LID);
    said(store, 'two', LID);
    store.messages.moveCursor(LID, 1);
    store.outbox.add({ chatJid: LID, message: { kind: 'text', text: 'hi' }, source: 'reply' }, 0);
    store.runs.queueTask(
      { id: 'r', folder: 'peter', chatJid: LID, taskId: 't', slot: 's', attempt: 1, notBefore: 0 },
      0,
    );

    expect(store.samePerson.merge(LID, PETER)).toBeUndefined();

    expect(store.chats.find(LID)).toBeUndefined();
    expect(store.chats.find(PETER)).toMatchObject({
      name: 'Peter',
      lastActivity: '2026-01-01T09:00:00.000Z',
    });
    expect(store.groups.all()).toMatchObject([{ jid: PETER, folder: 'peter' }]);
    expect(store.messages.waiting()).toEqual([{ chatJid: PETER, firstSeq: 2 }]);
    expect(store.messages.ofTurn(PETER, 0, { before: 9, from: 9 }).map(({ sender }) => sender)).toEqual([
      PETER,
      PETER,
    ]);
    expect(store.outbox.heads()).toMatchObject([{ chatJid: PETER }]);
    expect(store.runs.queued()).toMatchObject([{ chatJid: PETER, folder: 'peter' }]);
  });

  it('stays the same when it is merged twice, and when nothing is known of it', () => {
    const store = testStore();
    chatAt(store, LID, 'Peter', 9);
    store.groups.add(direct(LID, 'peter'), 0);
    said(store, 'one', LID);
    for (let n = 0; n < 2; n++) store.samePerson.merge(LID, PETER);
    store.samePerson.merge('999@lid', '49999999@s.whatsapp.net');
    store.samePerson.merge(PETER, PETER);
    expect(texts(store, PETER)).toEqual(['one']);
    expect(store.groups.all()).toHaveLength(1);
    expect(store.samePerson.current(LID)).toBe(PETER);
    expect(store.samePerson.current(PETER)).toBe(PETER);
  });

  it('is still reached under the old address by a turn that started before', () => {
    const store = testStore();
    store.groups.add(direct(LID, 'peter'), 0);
    said(store, 'one', LID);
    store.samePerson.merge(LID, PETER);
    store.outbox.add({ chatJid: LID, message: { kind: 'text', text: 'hi' }, source: 'reply' }, 0);
    store.messages.moveCursor(LID, 1);
    expect(store.outbox.heads()).toMatchObject([{ chatJid: PETER }]);
    expect(store.messages.waiting()).toEqual([]);
    expect(store.messages.cursor(LID)).toBe(1);
    expect(store.groups.find(LID)).toMatchObject({ jid: PETER });
  });
});

describe('two chats of one person', () => {
  it('keep all data of both', () => {
    const store = testStore();
    chatAt(store, LID, 'Peter', 12);
    chatAt(store, PETER, undefined, 9);
    store.samePerson.merge(LID, PETER);
    expect(store.chats.find(PETER)).toMatchObject({
      name: 'Peter',
      lastActivity: '2026-01-01T12:00:00.000Z',
    });
  });

  it('keep a message that arrived under both addresses once', () => {
    const store = testStore();
    store.groups.add(direct(PETER, 'peter'), 0);
    said(store, 'one', LID);
    said(store, 'one', PETER);
    said(store, 'two', LID);
    store.samePerson.merge(LID, PETER);
    expect(texts(store, PETER)).toEqual(['one', 'two']);
  });

  it.each([
    ['the old', LID, PETER],
    ['the new', PETER, LID],
  ])('answer nothing twice and lose nothing that waits in %s one', (_, waiting, answered) => {
    const store = testStore();
    store.groups.add(direct(PETER, 'peter'), 0);
    said(store, 'waits', waiting);
    said(store, 'answered', answered);
    store.messages.moveCursor(answered, 2);
    said(store, 'waits too', waiting);
    store.samePerson.merge(LID, PETER);
    expect(store.messages.waiting()).toEqual([{ chatJid: PETER, firstSeq: 1 }]);
    store.messages.moveCursor(PETER, 1);
    expect(store.messages.waiting()).toEqual([{ chatJid: PETER, firstSeq: 3 }]);
    store.messages.moveCursor(PETER, 3);
    expect(store.messages.waiting()).toEqual([]);
  });

  it('keep one folder when both were registered, which also gets the tasks of the other', () => {
    const store = testStore();
    store.groups.add(direct(LID, 'peter-old'), 0);
    store.groups.add(direct(PETER, 'peter'), 0);
    store.tasks.add(testTask({ chatJid: LID, folder: 'peter-old' }));
    expect(store.samePerson.merge(LID, PETER)).toBe('peter-old');
    expect(store.groups.all()).toMatchObject([{ jid: PETER, folder: 'peter' }]);
    expect(store.tasks.all()).toMatchObject([{ folder: 'peter', chatJid: PETER, status: 'active' }]);
  });

  it('stay main when one is main, and no task of the other gets its rights', () => {
    const store = testStore();
    store.groups.add({ ...MAIN, jid: LID }, 0);
    store.groups.add(direct(PETER, 'peter'), 0);
    store.tasks.add(testTask({ chatJid: PETER, folder: 'peter' }));
    expect(store.samePerson.merge(LID, PETER)).toBe('peter');
    expect(store.groups.all()).toMatchObject([{ jid: PETER, folder: 'main', isMain: true }]);
    expect(store.tasks.all()).toMatchObject([{ folder: 'peter', status: 'paused' }]);
  });
});

describe('a member of a group', () => {
  it('is the same person by number as under the LID, once', () => {
    const store = testStore();
    store.groups.add(FAMILY, 0);
    store.chats.note({ jid: FAMILY.jid, isGroup: true });
    said(store, 'one', FAMILY.jid, LID);
    said(store, 'one', FAMILY.jid, PETER);
    said(store, 'two', FAMILY.jid, LID);
    store.members.replace(FAMILY.jid, [
      { jid: LID, name: 'Peter', isAdmin: true },
      { jid: PETER, isAdmin: false },
    ]);
    store.samePerson.merge(LID, PETER);
    const messages = store.messages.ofTurn(FAMILY.jid, 0, { before: 9, from: 9 });
    expect(messages.map(({ id, sender }) => [id, sender])).toEqual([
      ['one', PETER],
      ['two', PETER],
    ]);
    expect(store.members.of(FAMILY.jid)).toEqual([{ jid: PETER, name: 'Peter', isAdmin: true }]);
  });
});

describe('addresses that change once more', () => {
  it('are resolved to the last one', () => {
    const store = testStore();
    store.samePerson.merge(LID, PETER);
    store.samePerson.merge(PETER, '4915000000@s.whatsapp.net');
    expect(store.samePerson.current(LID)).toBe('4915000000@s.whatsapp.net');
  });

  it('are resolved without a circle when they change back', () => {
    const store = testStore();
    store.samePerson.merge(LID, PETER);
    store.samePerson.merge(PETER, LID);
    expect(store.samePerson.current(PETER)).toBe(LID);
    expect(store.samePerson.current(LID)).toBe(LID);
  });
});
