import { describe, expect, it } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { FAMILY, MAIN, testStore } from '../../test/support/test-store.ts';
import type { InboundMessage, MessageChange } from '../channel/channel.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { Reception } from './reception.ts';
import type { Standing } from './sender-rules.ts';

const BOB = 'bob@s.whatsapp.net';
const DIRECT: RegisteredGroup = { ...FAMILY, jid: BOB };
const AT = Date.UTC(2026, 0, 1);

/** A chat to which the assistant has sent `3EB0` and a reaction, `3EB1`. */
function rig(chat: RegisteredGroup = FAMILY, ownPrefix?: string) {
  const store = testStore();
  store.groups.add(chat, 0);
  store.state.set('account', MAIN.jid);
  const outcome: { standing: Standing; heldUntil?: number } = { standing: 'allowed' };
  const reception = new Reception({
    store,
    senders: { refresh: () => undefined, judge: () => outcome.standing, noteDenied: () => undefined },
    loops: { heldUntil: () => outcome.heldUntil },
    ownPrefix,
    clock: { now: () => AT },
    log: silentLog,
    timings: DEFAULT_TIMINGS,
  });
  const send = (wireId: string, message: Parameters<typeof store.outbox.add>[0]['message']) => {
    const seq = store.outbox.add({ chatJid: chat.jid, message, source: 'reply' }, AT);
    store.outbox.beginSend(seq, wireId);
    store.outbox.settle(seq, 'sent', AT);
  };
  send('3EB0', { kind: 'text', text: 'Dinner is at six.' });
  send('3EB1', { kind: 'reaction', emoji: '👍', target: { id: 'X', senderJid: BOB, fromMe: false } });
  const reply = (change: Partial<InboundMessage> = {}): InboundMessage => ({
    chatJid: chat.jid,
    id: 'A',
    senderJid: BOB,
    senderName: 'Bob',
    text: 'and tomorrow?',
    timestamp: AT,
    fromMe: false,
    isGroup: chat === FAMILY,
    replyTo: { id: '3EB0', senderJid: MAIN.jid, senderName: 'Ann', text: 'Dinner is at six.' },
    ...change,
  });
  const edit = (text: string): MessageChange => ({
    kind: 'edit',
    chatJid: chat.jid,
    id: 'A',
    editId: 'E',
    senderJid: BOB,
    senderName: 'Bob',
    fromMe: false,
    text,
    timestamp: AT + 1_000,
  });
  const triggers = () => store.messages.waiting().length > 0;
  return { store, reception, outcome, reply, edit, triggers };
}

describe('a reply to a message of the assistant', () => {
  it.each([
    ['group chat', FAMILY],
    ['direct chat', DIRECT],
  ])('triggers in a %s without the name', (_, chat) => {
    const { reception, reply, triggers } = rig(chat);
    reception.onMessage(reply());
    expect(triggers()).toBe(true);
  });

  it('triggers although the quote does not say who wrote the message', () => {
    const { reception, reply, triggers } = rig();
    reception.onMessage(reply({ replyTo: { id: '3EB0', senderName: '', text: 'Dinner is at six.' } }));
    expect(triggers()).toBe(true);
  });

  it('triggers on a shared number, also when the owner writes it', () => {
    const { reception, reply, triggers } = rig(FAMILY, 'Andy:');
    reception.onMessage(reply({ senderJid: MAIN.jid, fromMe: true }));
    expect(triggers()).toBe(true);
  });

  it('does not trigger where the chat is set so', () => {
    const { reception, reply, triggers } = rig({ ...FAMILY, containerConfig: { replyTriggers: false } });
    reception.onMessage(reply());
    expect(triggers()).toBe(false);
  });

  it.each<[string, Partial<InboundMessage>]>([
    ['the owner has typed', { replyTo: { id: 'TYPED', senderJid: MAIN.jid, senderName: 'Ann', text: 'x' } }],
    ['another account wrote', { replyTo: { id: '3EB0', senderJid: BOB, senderName: 'Bob', text: 'x' } }],
    ['is a reaction', { replyTo: { id: '3EB1', senderJid: MAIN.jid, senderName: 'Ann', text: '' } }],
  ])('does not trigger when what it quotes %s', (_, change) => {
    const { reception, reply, triggers } = rig();
    reception.onMessage(reply(change));
    expect(triggers()).toBe(false);
  });

  it('does not trigger in another chat than the one that it was sent to', () => {
    const { store, reception, reply, triggers } = rig();
    store.groups.add({ ...DIRECT, folder: 'bob' }, 0);
    reception.onMessage(reply({ chatJid: BOB, isGroup: false }));
    expect(triggers()).toBe(false);
  });

  it('does not trigger when it is a reaction to that message', () => {
    const { reception, reply, triggers } = rig();
    reception.onMessage(reply({ text: 'reacted 👍', isContext: true }));
    expect(triggers()).toBe(false);
  });

  it('does not trigger when its sender is not allowed, or another assistant wrote it', () => {
    const { reception, outcome, reply, triggers } = rig();
    reception.onMessage(reply({ id: 'B', fromAssistant: true }));
    outcome.standing = 'context';
    reception.onMessage(reply());
    expect(triggers()).toBe(false);
  });

  it('waits while its sender is muted by the loop guard', () => {
    const { store, reception, outcome, reply, triggers } = rig();
    outcome.heldUntil = AT + 1_000;
    reception.onMessage(reply());
    expect(triggers()).toBe(false);
    expect(store.messages.heldTimes()).toEqual({ first: AT + 1_000, last: AT + 1_000 });
  });

  it('still triggers when its text is edited before the answer, and not once more after it', () => {
    const { store, reception, reply, edit, triggers } = rig();
    reception.onMessage(reply());
    reception.onChange(edit('and on Monday?'));
    expect(triggers()).toBe(true);
    store.messages.markShown(FAMILY.jid, store.messages.ofTurn(FAMILY.jid, 0, { before: 9, from: 9 }));
    store.messages.moveCursorToEnd(FAMILY.jid);
    reception.onChange({ ...edit('and on Tuesday?'), timestamp: AT + 2_000 });
    expect(triggers()).toBe(false);
  });

  it('triggers when an edit of it arrived first, by the new text, and only once', () => {
    const { store, reception, reply, edit, triggers } = rig();
    reception.onChange(edit('and on Monday?'));
    expect(triggers()).toBe(false);
    reception.onMessage(reply());
    expect(triggers()).toBe(true);
    const waiting = store.messages.ofTurn(FAMILY.jid, 0, { before: 9, from: 9 });
    expect(waiting.map(({ text, replyToText }) => [text, replyToText])).toEqual([
      ['and on Monday?', 'Dinner is at six.'],
    ]);
    store.messages.moveCursorToEnd(FAMILY.jid);
    reception.onMessage(reply());
    expect(triggers()).toBe(false);
  });

  it('does not trigger after an edit that arrived first when its sender is not allowed or muted', () => {
    for (const outcome of [{ standing: 'context' }, { heldUntil: AT + 60_000 }] as const) {
      const { reception, outcome: set, reply, edit, triggers } = rig();
      Object.assign(set, outcome);
      reception.onChange(edit('and on Monday?'));
      reception.onMessage(reply());
      expect(triggers()).toBe(false);
    }
  });

  it('triggers under the number of an account that was quoted by its LID', () => {
    const { store, reception, reply, triggers } = rig();
    store.samePerson.merge('100@lid', MAIN.jid);
    const replyTo = { id: '3EB0', senderJid: '100@lid', senderName: '', text: 'x' };
    reception.onMessage(reply({ replyTo }));
    expect(triggers()).toBe(true);
  });
});
