import { describe, expect, it } from 'vitest';
import { counter, FAMILY, MAIN, newMessage, testStore, testTask } from '../../test/support/test-store.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import type { Failure } from './notices.ts';
import { Settlement } from './settlement.ts';

const FAILURE: Failure = {
  words: 'the agent ended unexpectedly',
  detail: 'exit code 1: TypeError in /app/runner.mjs',
  isExplained: false,
  retryable: false,
  isOutage: false,
};
const END = { exitReason: 'exited', logFile: 'container-1.log' };

function rig(chat = FAMILY) {
  const store = testStore();
  store.groups.add(MAIN, 0);
  if (chat !== MAIN) store.groups.add(chat, 0);
  store.chats.note({ jid: chat.jid, name: chat.name, isGroup: chat === FAMILY, lastActivity: 0 });
  const newId = counter();
  const settlement = new Settlement(store, newId, () => 0, { ...DEFAULT_TIMINGS, turnRetryDelaysMs: [] });
  return {
    store,
    settlement,
    ask: (senderName: string, text: string) => {
      const sender = `${senderName}@s.whatsapp.net`;
      const message = {
        id: newId(),
        chatJid: chat.jid,
        sender,
        senderName,
        text,
        isTrigger: /^@/.test(text),
      };
      store.messages.add(newMessage({ ...message, fromMe: false }));
    },
    start: (lastSeq: number) =>
      store.runs.startChat(
        { id: newId(), folder: chat.folder, chatJid: chat.jid, attempt: 1, firstSeq: 1, lastSeq },
        0,
      ),
    /** What each chat was told: all that waits to be sent, in order. */
    told: () => {
      const texts: [string, string][] = [];
      for (let head = store.outbox.heads()[0]; head !== undefined; head = store.outbox.heads()[0]) {
        texts.push([head.chatJid, 'text' in head.message ? head.message.text : '']);
        store.outbox.settle(head.seq, 'sent', 0);
      }
      return texts;
    },
  };
}

describe('a failed turn', () => {
  it('is reported in plain words in its chat, with names and first words, and with cause and log in main', () => {
    const { store, settlement, ask, start, told } = rig();
    ask('Ann', '@Andy make a list');
    ask('Bob', 'what for?');
    ask('Bob', '@Andy ping');
    settlement.fail(start(3), END, FAILURE);
    expect(told()).toEqual([
      [
        FAMILY.jid,
        '⚠️ That did not work for Ann (“@Andy make a list”) and Bob (“@Andy ping”): the agent ended unexpectedly.',
      ],
      [
        MAIN.jid,
        '⚠️ 2 answers in Family failed: the agent ended unexpectedly: exit code 1: TypeError in /app/runner.mjs. (container-1.log)',
      ],
    ]);
    expect(store.messages.cursor(FAMILY.jid)).toBe(3);
  });

  it('does not name what an earlier answer of it has answered', () => {
    const { store, settlement, ask, start, told } = rig();
    ask('Ann', '@Andy make a list');
    ask('Bob', '@Andy ping');
    const run = start(2);
    store.messages.moveCursor(FAMILY.jid, 1);
    settlement.fail(run, END, FAILURE);
    expect(told()[0]?.[1]).toMatch(/^⚠️ That did not work for Bob \(“@Andy ping”\): /);
  });

  it('a failed turn of main is reported there once, with cause and log', () => {
    const { settlement, ask, start, told } = rig(MAIN);
    ask('Ann', '@Andy make a list');
    settlement.fail(start(1), END, FAILURE);
    expect(told()).toEqual([[MAIN.jid, expect.stringMatching(/exit code 1.*\(container-1\.log\)$/)]]);
  });

  it('a failed run of a task is reported in plain words in its chat, and with cause and log in main', () => {
    const { store, settlement, told } = rig();
    store.tasks.add(testTask({ id: 't', folder: FAMILY.folder, chatJid: FAMILY.jid }));
    const { folder, jid: chatJid } = FAMILY;
    store.runs.queueTask({ id: 'r', folder, chatJid, attempt: 1, notBefore: 0, taskId: 't', slot: 's' }, 0);
    settlement.fail(store.runs.startQueued('r', 0), END, FAILURE);
    expect(told()).toEqual([
      [FAMILY.jid, '⚠️ The task “x” did not work: the agent ended unexpectedly.'],
      [MAIN.jid, expect.stringMatching(/^⚠️ The task “x” in Family failed: .*\(container-1\.log\)$/)],
    ]);
  });

  it('a failed turn whose messages were taken back meanwhile names none of them', () => {
    const { store, settlement, ask, start, told } = rig();
    ask('Ann', '@Andy make a list');
    const run = start(1);
    store.messages.erase(FAMILY.jid, 'id-0001', 1, 0);
    settlement.fail(run, END, FAILURE);
    expect(told().map(([, text]) => text)).toEqual([
      '⚠️ That did not work: the agent ended unexpectedly.',
      expect.stringMatching(/^⚠️ An answer in Family failed: /),
    ]);
  });

  it('an interrupted turn says whose requests are open', () => {
    const { store, settlement, ask, start, told } = rig();
    ask('Ann', '@Andy make a list');
    const run = start(1);
    const message = { kind: 'text', text: 'on it' } as const;
    store.outbox.add({ chatJid: FAMILY.jid, message, source: 'message', runId: run.id }, 0);
    settlement.interrupt(run, END);
    expect(told()[1]?.[1]).toMatch(
      /interrupted in the middle of the work for Ann \(“@Andy make a list”\)\. /,
    );
  });
});
