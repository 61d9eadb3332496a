import { describe, expect, it } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { FAMILY, newMessage, testStore, testTask } from '../../test/support/test-store.ts';
import { wordsOf } from '../channel/channel.ts';
import { Welcome } from './welcome.ts';

const account = (number: string, linkId = `link of ${number}`) => ({
  jid: `${number}@s`,
  selfChatJid: `${number}@s`,
  name: 'Ann',
  linkId,
});

function rig() {
  const store = testStore();
  const welcome = new Welcome(store, 'Andy', { now: () => 0 }, silentLog);
  const hellos = (): string[] => store.outbox.heads().map(({ chatJid }) => chatJid);
  /** All that is to be said, in order. */
  const said = (): string[] => {
    const texts: string[] = [];
    for (let head = store.outbox.heads()[0]; head !== undefined; head = store.outbox.heads()[0]) {
      texts.push(wordsOf(head.message));
      store.outbox.settle(head.seq, 'sent', 0);
    }
    return texts;
  };
  return { store, welcome, hellos, said };
}

describe('a first connection', () => {
  it('makes the owner’s chat the main channel and greets once, even when it is reported again after a crash', () => {
    const { store, welcome, hellos } = rig();
    welcome.onAccount(account('1'), true);
    welcome.onAccount(account('1'), true);
    expect(store.groups.main()).toMatchObject({ jid: '1@s', folder: 'main', trigger: '@Andy' });
    expect(hellos()).toEqual(['1@s']);
    expect(store.outbox.counts().get('queued')).toBe(1);
  });

  it('moves the main channel when the account is another: the old number keeps no rights', () => {
    const { store, welcome, hellos } = rig();
    welcome.onAccount(account('1'), true);
    welcome.onAccount(account('2'), true);
    expect(store.groups.main()).toMatchObject({ jid: '2@s', folder: 'main' });
    expect(store.groups.find('1@s')).toBeUndefined();
    expect(hellos()).toEqual(['2@s']);
  });

  it('closes what waited for chats of the account before, moves the tasks of main, and says once how much was closed', () => {
    const { store, welcome, said } = rig();
    welcome.onAccount(account('1'), true);
    said();
    const family = { ...FAMILY, jid: 'family@g.us' };
    store.groups.add(family, 0);
    const text = (words: string) => ({ kind: 'text', text: words }) as const;
    store.outbox.add({ chatJid: '1@s', message: text('for the old main'), source: 'reply' }, 0);
    store.outbox.add({ chatJid: 'peter@s', message: text('for Peter'), source: 'message' }, 0);
    store.messages.add(newMessage({ id: 'asked', chatJid: family.jid, isTrigger: true }));
    store.tasks.add(testTask({ id: 'of-main', folder: 'main', chatJid: '1@s' }));
    store.tasks.add(testTask({ id: 'of-family', folder: family.folder, chatJid: family.jid }));
    const underWay = { id: 'under way', folder: 'main', chatJid: '1@s', attempt: 1, firstSeq: 1, lastSeq: 1 };
    store.runs.startChat(underWay, 0);
    for (const [taskId, folder, chatJid] of [
      ['of-main', 'main', '1@s'],
      ['of-family', family.folder, family.jid],
    ] as const)
      store.runs.queueTask(
        { id: `run ${taskId}`, folder, chatJid, taskId, slot: '2026-01-01', attempt: 1, notBefore: 0 },
        0,
      );

    for (let n = 0; n < 2; n += 1) welcome.onAccount(account('2'), true);

    // A turn that was under way ends by itself, and nobody reads its answer.
    const late = store.outbox.add(
      { chatJid: '1@s', message: text('late'), source: 'reply', runId: 'under way' },
      0,
    );
    expect(store.outbox.statusOf(late)).toBe('failed');
    expect(store.messages.waiting()).toEqual([]);
    expect(store.tasks.find('of-main')?.chatJid).toBe('2@s');
    expect(store.runs.queued()).toMatchObject([{ id: 'run of-main', chatJid: '2@s' }]);
    expect(store.groups.find(family.jid)).toBeDefined();
    expect(store.outbox.heads().map(({ chatJid }) => chatJid)).toEqual(['2@s']);
    expect(said()).toEqual([
      expect.stringMatching(
        /2 messages that were to be sent, 1 chat that waited for an answer, 2 runs\. Chats, tasks and memory are kept\.$/,
      ),
      expect.stringMatching(/^Hello! I am Andy/),
    ]);
  });

  it('makes an already active chat of the account with itself the main channel, its tasks paused', () => {
    const { store, welcome } = rig();
    welcome.onAccount(account('1'), true);
    store.groups.add({ ...FAMILY, jid: '2@s' }, 0);
    store.tasks.add(testTask({ chatJid: '2@s' }));
    welcome.onAccount(account('2'), true);
    expect(store.groups.main()).toMatchObject({ jid: '2@s', folder: 'main' });
    expect(store.groups.all()).toHaveLength(1);
    expect(store.tasks.ofFolder(FAMILY.folder).map(({ status }) => status)).toEqual(['paused']);
  });

  it('says once that the same account is back after it was unlinked, and nothing else about the time between', () => {
    const { store, welcome, said } = rig();
    welcome.onAccount(account('1'), true);
    store.state.set('line:lost', '2026-01-01T00:00:00.000Z');
    for (let n = 0; n < 2; n += 1) welcome.onAccount(account('1', 'another'), true);
    welcome.onAccount(account('1', 'another'), false);
    expect(said()).toEqual([
      expect.stringMatching(/^Hello! I am Andy/),
      expect.stringMatching(/^ℹ️ I am back: this account is linked again/),
    ]);
    expect(store.state.get('line:lost')).toBe('');
  });

  it('returns the row of its greeting, and none when there was nothing to say', () => {
    const { store, welcome } = rig();
    welcome.onAccount(account('1'), false);
    expect(welcome.greeting).toBeUndefined();
    welcome.onAccount(account('1'), true);
    expect(store.outbox.statusOf(welcome.greeting ?? 0)).toBe('queued');
  });

  it('leaves a main channel alone that was never the chat of an account with itself', () => {
    const { store, welcome } = rig();
    store.groups.add({ ...FAMILY, folder: 'main', isMain: true }, 0);
    welcome.onAccount(account('1'), true);
    expect(store.groups.main()?.jid).toBe(FAMILY.jid);
  });
});
