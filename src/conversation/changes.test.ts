import { describe, expect, it } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { counter, FAMILY, testStore } from '../../test/support/test-store.ts';
import type { InboundMessage, MessageChange } from '../channel/channel.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { Reception } from './reception.ts';
import type { Standing } from './sender-rules.ts';

const BOB = 'bob@s.whatsapp.net';
const EVE = 'eve@s.whatsapp.net';
const AT = Date.UTC(2026, 0, 1);

const message = (change: Partial<InboundMessage>): InboundMessage => ({
  chatJid: FAMILY.jid,
  id: 'A',
  senderJid: BOB,
  senderName: 'Bob',
  text: '@Andy hi',
  timestamp: AT,
  fromMe: false,
  isGroup: true,
  ...change,
});

type Edit = Extract<MessageChange, { kind: 'edit' }>;
const edit = (text: string, change: Partial<Edit> = {}): Edit => ({
  kind: 'edit',
  chatJid: FAMILY.jid,
  id: 'A',
  editId: 'E1',
  senderJid: BOB,
  senderName: 'Bob',
  fromMe: false,
  text,
  timestamp: AT + 1_000,
  ...change,
});
const deletion = (change: Partial<MessageChange> = {}): MessageChange =>
  ({
    kind: 'delete',
    chatJid: FAMILY.jid,
    id: 'A',
    senderJid: BOB,
    senderName: 'Bob',
    timestamp: AT + 2_000,
    ...change,
  }) as MessageChange;

function rig({ ownPrefix, requiresTrigger = true }: { ownPrefix?: string; requiresTrigger?: boolean } = {}) {
  const store = testStore();
  store.groups.add({ ...FAMILY, requiresTrigger }, 0);
  const { log, lines } = rememberingLog();
  let standing: Standing = 'allowed';
  let heldUntil: number | undefined;
  const reception = new Reception({
    store,
    senders: { refresh: () => undefined, judge: () => standing, noteDenied: () => undefined },
    loops: { heldUntil: () => heldUntil },
    ownPrefix,
    clock: { now: () => AT },
    log,
    timings: DEFAULT_TIMINGS,
  });
  const rows = () => store.messages.ofTurn(FAMILY.jid, 0, { before: 99, from: 99 });
  return {
    store,
    reception,
    lines,
    rows,
    texts: () => rows().map(({ text }) => text),
    calls: () => store.messages.waiting().length > 0,
    show: () => store.messages.markShown(FAMILY.jid, rows()),
    answer: () => store.messages.moveCursor(FAMILY.jid, rows().at(-1)?.seq ?? 0),
    /** From now on what triggers waits until then, in milliseconds since the epoch. */
    holdUntil: (until: number | undefined) => {
      heldUntil = until;
    },
    /** All that waits may trigger now. @returns what triggers */
    release: () => {
      store.messages.release(Number.MAX_SAFE_INTEGER, { mute: 0, limit: 0 }, counter('copy'));
      return rows().flatMap(({ text, isTrigger }) => (isTrigger === 1 ? [text] : []));
    },
    judgeAs: (next: Standing) => {
      standing = next;
    },
  };
}

describe('an edit by a muted sender', () => {
  it('waits with its new words, and triggers once', () => {
    const { reception, holdUntil, release, calls } = rig();
    holdUntil(AT + 60_000);
    reception.onMessage(message({}));
    reception.onChange(edit('@Andy at ten'));
    expect(calls()).toBe(false);
    expect(release()).toEqual(['@Andy at ten']);
    expect(release()).toEqual(['@Andy at ten']);
  });

  it('waits no more when the new words do not trigger', () => {
    const { reception, holdUntil, release } = rig();
    holdUntil(AT + 60_000);
    reception.onMessage(message({}));
    reception.onChange(edit('never mind'));
    expect(release()).toEqual([]);
  });

  it('triggers with its newest words alone after they were shown as context', () => {
    const { reception, holdUntil, release, show, answer } = rig();
    holdUntil(AT + 60_000);
    reception.onMessage(message({}));
    show();
    answer();
    reception.onChange(edit('@Andy at ten'));
    expect(release()).toEqual(['@Andy at ten']);
    reception.onChange(edit('@Andy at noon', { editId: 'E9', timestamp: AT + 9_000 }));
    expect(release()).toHaveLength(1);
  });

  it('a message that turns into a trigger by an edit waits as well', () => {
    const { reception, holdUntil, release, calls } = rig();
    reception.onMessage(message({ text: 'hi' }));
    holdUntil(AT + 60_000);
    reception.onChange(edit('@Andy hi'));
    expect(calls()).toBe(false);
    expect(release()).toEqual(['@Andy hi']);
  });
});

describe('an edit of a message that waits', () => {
  it('replaces its text, and triggers when the new text does', () => {
    const { reception, texts, calls } = rig();
    reception.onMessage(message({ text: 'hi' }));
    expect(reception.onChange(edit('@Andy hi'))).toBe(true);
    expect(texts()).toEqual(['@Andy hi']);
    expect(calls()).toBe(true);
  });

  it('an edit that removes the trigger makes the message trigger no more', () => {
    const { reception, texts, calls } = rig();
    reception.onMessage(message({}));
    reception.onChange(edit('never mind'));
    expect(texts()).toEqual(['never mind']);
    expect(calls()).toBe(false);
  });

  it('an edit that is repeated or arrives after a later one changes nothing', () => {
    const { reception, texts, lines } = rig();
    reception.onMessage(message({}));
    const first = edit('first');
    reception.onChange(first);
    reception.onChange(edit('second', { editId: 'E2', timestamp: AT + 5_000 }));
    reception.onChange(first);
    reception.onChange(edit('second', { editId: 'E2', timestamp: AT + 5_000 }));
    expect(texts()).toEqual(['second']);
    expect(lines.at(-1)).toMatchObject({ level: 20, msg: 'Not changed by edit: it says that already' });
  });

  it('an edit by somebody else is ignored, with a log line at debug', () => {
    const { reception, texts, lines } = rig();
    reception.onMessage(message({}));
    reception.onChange(edit('@Andy send money', { senderJid: EVE }));
    expect(texts()).toEqual(['@Andy hi']);
    expect(lines.at(-1)).toMatchObject({ level: 20, msg: 'Not changed by edit: somebody else wrote it' });
  });

  it('does not trigger where its author may not trigger', () => {
    const { reception, texts, calls, judgeAs } = rig();
    judgeAs('context');
    reception.onMessage(message({ text: 'hi' }));
    reception.onChange(edit('@Andy hi'));
    expect(texts()).toEqual(['@Andy hi']);
    expect(calls()).toBe(false);
    judgeAs('dropped');
    reception.onChange(edit('secret', { timestamp: AT + 9_000 }));
    expect(texts()).toEqual(['@Andy hi']);
  });

  it('may trigger when its author is allowed by then, as any other message does', () => {
    const { reception, rows, calls, judgeAs } = rig();
    judgeAs('context');
    reception.onMessage(message({ text: 'hi' }));
    judgeAs('allowed');
    reception.onChange(edit('@Andy hi'));
    expect(calls()).toBe(true);
    expect(rows()).toMatchObject([{ isTrigger: 1, isContext: 0 }]);
  });

  it('does not trigger in a group without a trigger either when its author is not allowed by then', () => {
    const { reception, calls, judgeAs } = rig({ requiresTrigger: false });
    reception.onMessage(message({ text: 'hi' }));
    judgeAs('context');
    reception.onChange(edit('send money'));
    expect(calls()).toBe(false);
  });
});

describe('an edit of a message that was shown', () => {
  it('is a message of its own that names the old one, and does not trigger again', () => {
    const { reception, rows, calls, show, answer } = rig();
    reception.onMessage(message({}));
    show();
    answer();
    reception.onChange(edit('@Andy hello'));
    expect(calls()).toBe(false);
    expect(rows()).toMatchObject([
      { id: 'A', text: '@Andy hi' },
      { id: 'E1', editOf: 'A', text: '@Andy hello', replyToId: 'A', replyToText: '@Andy hi', isContext: 1 },
    ]);
    reception.onChange(edit('@Andy hello'));
    expect(rows()).toHaveLength(2);
  });

  it('triggers when no text before did, as a message of its own even while a turn runs', () => {
    const { reception, rows, calls, show } = rig();
    reception.onMessage(message({ text: 'hi' }));
    show();
    reception.onChange(edit('@Andy hi'));
    expect(rows()).toMatchObject([{ text: 'hi' }, { text: '@Andy hi', isTrigger: 1 }]);
    expect(calls()).toBe(true);
  });

  it('reaches the agent that works on the old text, with or without the trigger', () => {
    for (const text of ['@Andy at 10', 'at 10']) {
      const { reception, store, rows, show } = rig();
      reception.onMessage(message({ text: '@Andy at 9' }));
      show();
      reception.onChange(edit(text));
      expect(rows()).toMatchObject([{ text: '@Andy at 9' }, { text, isTrigger: 1, editOf: 'A' }]);
      expect(store.messages.nextCall(FAMILY.jid, 1, true)).toBe(2);
    }
  });

  it('reaches the agent with the last wording when it is edited twice', () => {
    const { reception, rows, show } = rig();
    reception.onMessage(message({ text: '@Andy at 9' }));
    show();
    reception.onChange(edit('@Andy at 10'));
    reception.onChange(edit('@Andy at 11', { editId: 'E2', timestamp: AT + 9_000 }));
    expect(rows()).toMatchObject([{ text: '@Andy at 9' }, { text: '@Andy at 11', isTrigger: 1 }]);
  });

  it('reaches the agent in a group without a trigger', () => {
    const { reception, store, show } = rig({ requiresTrigger: false });
    reception.onMessage(message({ text: 'at 9' }));
    show();
    reception.onChange(edit('at 10'));
    expect(store.messages.nextCall(FAMILY.jid, 1, false)).toBe(2);
  });

  it('does not reach it when its author may not trigger by then', () => {
    const { reception, store, show, judgeAs } = rig();
    reception.onMessage(message({ text: '@Andy at 9' }));
    show();
    judgeAs('context');
    reception.onChange(edit('@Andy at 10'));
    expect(store.messages.nextCall(FAMILY.jid, 1, true)).toBeUndefined();
  });

  it('stays one message when it is edited again before it is shown', () => {
    const { reception, texts, calls, show } = rig();
    reception.onMessage(message({ text: 'hi' }));
    show();
    reception.onChange(edit('@Andy hi'));
    reception.onChange(edit('hello', { editId: 'E2', timestamp: AT + 9_000 }));
    expect(texts()).toEqual(['hi', 'hello']);
    expect(calls()).toBe(false);
  });
});

describe('a deletion', () => {
  it('removes a message that waits, which triggers no more', () => {
    const { reception, store, texts, calls } = rig();
    reception.onMessage(message({}));
    reception.onMessage(
      message({ id: 'B', text: 'yes', replyTo: { id: 'A', senderName: 'Bob', text: '@Andy hi' } }),
    );
    reception.onChange(deletion());
    expect(calls()).toBe(false);
    expect(texts()).toEqual(['yes']);
    expect(store.messages.versions(FAMILY.jid, 'A')).toMatchObject([{ text: '' }]);
    expect(store.messages.versions(FAMILY.jid, 'B')).toMatchObject([{ replyToText: null }]);
    reception.onChange(deletion());
    reception.onMessage(message({}));
    expect(calls()).toBe(false);
  });

  it('removes the text from the answers that quote it, sent or not', () => {
    const { reception, store } = rig();
    const answer = (id: string, wireId: string): number => {
      const quoted = { id, senderJid: BOB, text: `said in ${id}` };
      const message = { kind: 'text', text: 'answer', quoted } as const;
      const seq = store.outbox.add({ chatJid: FAMILY.jid, message, source: 'reply' }, AT);
      store.outbox.beginSend(seq, wireId);
      return seq;
    };
    for (const id of ['A', 'B']) reception.onMessage(message({ id }));
    store.outbox.settle(answer('A', 'SENT'), 'sent', AT);
    answer('A', 'WAITING');
    answer('B', 'OTHER');
    reception.onChange(deletion());
    const kept = (wireId: string) => store.outbox.findByWireId(wireId)?.message;
    for (const wireId of ['SENT', 'WAITING']) expect(kept(wireId)).toEqual({ kind: 'text', text: 'answer' });
    expect(kept('OTHER')).toMatchObject({ quoted: { text: 'said in B' } });
  });

  it('does not trigger in a group without a trigger either', () => {
    const { reception, calls } = rig({ requiresTrigger: false });
    reception.onMessage(message({ text: 'hi' }));
    expect(calls()).toBe(true);
    reception.onChange(deletion());
    expect(calls()).toBe(false);
  });

  it('a deletion of a message that was not shown is not mentioned in the prompt around it either', () => {
    const { reception, texts, store } = rig();
    reception.onMessage(message({ id: '1', text: 'before' }));
    reception.onMessage(message({ text: 'a slip' }));
    reception.onMessage(message({ id: '2' }));
    reception.onChange(deletion());
    store.messages.markShown(FAMILY.jid, store.messages.ofTurn(FAMILY.jid, 0, { before: 9, from: 9 }));
    expect(texts()).toEqual(['before', '@Andy hi']);
  });

  it('a shown message stays as deleted, with all its edits', () => {
    const { reception, rows, show } = rig();
    reception.onMessage(message({}));
    show();
    reception.onChange(edit('@Andy hello'));
    reception.onChange(deletion());
    expect(rows()).toMatchObject([{ id: 'A', text: '', deletedAt: expect.any(String) }]);
    reception.onChange(edit('@Andy back', { editId: 'E3', timestamp: AT + 9_000 }));
    expect(rows()).toHaveLength(1);
  });

  it('a deletion by somebody else counts only from an admin of the group', () => {
    const { reception, store, texts } = rig();
    store.chats.note({ jid: FAMILY.jid, isGroup: true });
    store.members.replace(FAMILY.jid, [
      { jid: EVE, isAdmin: false },
      { jid: 'ann@s.whatsapp.net', isAdmin: true },
    ]);
    reception.onMessage(message({}));
    reception.onChange(deletion({ senderJid: EVE }));
    expect(texts()).toEqual(['@Andy hi']);
    reception.onChange(deletion({ senderJid: 'ann@s.whatsapp.net' }));
    expect(texts()).toEqual([]);
  });
});

describe('a change that arrives before its message', () => {
  it('replaces the message’s text', () => {
    const { reception, texts, calls } = rig();
    reception.onChange(edit('@Andy new'));
    reception.onMessage(message({ text: 'old' }));
    expect(texts()).toEqual(['@Andy new']);
    expect(calls()).toBe(true);
  });

  it.each([
    ['keeps it out', 'an admin', true, []],
    ['does not keep it out', 'anybody else', false, ['@Andy hi']],
  ])('%s when it is a deletion by %s of the group', (_, who, isAdmin, left) => {
    const { reception, store, texts, calls } = rig();
    store.chats.note({ jid: FAMILY.jid, isGroup: true });
    store.members.replace(FAMILY.jid, [
      { jid: EVE, isAdmin },
      { jid: BOB, isAdmin: false },
    ]);
    reception.onChange(deletion({ senderJid: EVE }));
    reception.onMessage(message({}));
    expect(texts(), who).toEqual(left);
    expect(calls()).toBe(left.length > 0);
  });

  it('keeps it out when it is a deletion', () => {
    const { reception, texts, calls } = rig();
    reception.onChange(deletion());
    reception.onMessage(message({}));
    expect(texts()).toEqual([]);
    expect(calls()).toBe(false);
  });
});

describe('a mention of the account', () => {
  it('triggers on a number of the assistant’s own, whatever the text', () => {
    const { reception, calls } = rig();
    reception.onMessage(message({ text: 'please, @Ann', mentionsAssistant: true }));
    expect(calls()).toBe(true);
  });

  it('means the owner on a shared number', () => {
    const { reception, calls } = rig({ ownPrefix: 'Andy:' });
    reception.onMessage(message({ text: 'please, @Ann', mentionsAssistant: true }));
    expect(calls()).toBe(false);
  });

  it('does not trigger when it means a person who has the assistant’s name', () => {
    const { reception, calls } = rig();
    reception.onMessage(message({ text: '@Andy hi', written: '@491512 hi' }));
    expect(calls()).toBe(false);
  });
});

describe('a reaction', () => {
  it('does not trigger, and is included in the next prompt with its message', () => {
    const { reception, rows, calls, answer } = rig({ requiresTrigger: false });
    reception.onMessage(message({}));
    answer();
    const replyTo = { id: 'A', senderName: '', text: '' };
    reception.onMessage(message({ id: 'R', senderJid: EVE, text: 'reacted 👍', isContext: true, replyTo }));
    expect(calls()).toBe(false);
    expect(rows().at(-1)).toMatchObject({ text: 'reacted 👍', replyToName: 'Bob', replyToText: '@Andy hi' });
  });
});

describe('an edit that overtakes its message', () => {
  const file = { kind: 'image', reference: 'how to find it' } as const;
  const late = message({
    text: '@Andy look at 9',
    attachments: [file],
    replyTo: { id: 'Q', senderJid: EVE, senderName: 'Eve', text: 'when?' },
  });

  it('keeps its text, and takes the file and the quote of the message that comes later', () => {
    const { store, reception } = rig();
    reception.onChange(edit('@Andy look at 10'));
    for (let n = 0; n < 2; n += 1) reception.onMessage(late);
    expect(store.messages.versions(FAMILY.jid, 'A')).toMatchObject([
      { text: '@Andy look at 10', replyToId: 'Q', replyToName: 'Eve', replyToText: 'when?' },
    ]);
    expect(store.attachments.waiting()).toEqual([
      expect.objectContaining({ messageSeq: 1, reference: 'how to find it' }),
    ]);
  });

  it('gives nothing back that was deleted meanwhile', () => {
    const { store, reception } = rig();
    reception.onChange(edit('@Andy look at 10'));
    reception.onChange(deletion());
    reception.onMessage(late);
    expect(store.messages.versions(FAMILY.jid, 'A')).toMatchObject([{ text: '', replyToId: null }]);
    expect(store.attachments.waiting()).toEqual([]);
  });
});
