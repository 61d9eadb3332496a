import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, testStore } from '../../test/support/test-store.ts';
import type { InboundMessage } from '../channel/channel.ts';
import { SECOND } from '../clock.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { Reception } from './reception.ts';
import { SenderAllowlist } from './sender-allowlist.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const message = (change: Partial<InboundMessage>): InboundMessage => ({
  chatJid: FAMILY.jid,
  id: 'A',
  senderJid: 'bob@s.whatsapp.net',
  senderName: 'Bob',
  text: '@Andy hi',
  timestamp: Date.UTC(2026, 0, 1),
  fromMe: false,
  isGroup: true,
  ...change,
});

function rig(directory = temporaryDirectory()) {
  const store = testStore(directory, 0);
  const { log, lines } = rememberingLog();
  const clock = { now: () => Date.now() };
  const allowlist = join(directory, 'sender-allowlist.json');
  const senders = new SenderAllowlist({ file: allowlist, store, clock, log });
  const reception = new Reception({
    store,
    loops: { heldUntil: () => undefined },
    senders,
    ownPrefix: 'Andy: ',
    clock,
    log,
    timings: DEFAULT_TIMINGS,
  });
  const texts = (jid = FAMILY.jid): readonly string[] =>
    store.messages.ofTurn(jid, 0, { before: 9, from: 9 }).map(({ text }) => text);
  return {
    store,
    reception,
    lines,
    texts,
    allow: (rules: object) => writeFileSync(allowlist, JSON.stringify(rules)),
  };
}

/** A group in which every message calls. */
const TALKATIVE = { ...FAMILY, requiresTrigger: false };

describe('a trigger in the middle of a message', () => {
  const sentTo = (store: ReturnType<typeof rig>['store']) =>
    store.outbox.heads().map(({ chatJid, message: { kind, ...rest } }) => ({ chatJid, kind, ...rest }));

  it('is explained once, ever, in main', () => {
    const { store, reception } = rig();
    store.groups.add(MAIN, 0);
    for (const id of ['A', 'B'])
      reception.onMessage(message({ id, chatJid: MAIN.jid, text: 'hey @andy, what now?', isGroup: false }));
    expect(sentTo(store)).toEqual([
      { chatJid: MAIN.jid, kind: 'text', text: expect.stringMatching(/begin with @Andy/) },
    ]);
    expect(store.messages.waiting()).toEqual([]);
  });

  it.each([
    ['in another chat', FAMILY, 'hey @Andy'],
    ['of a longer word', MAIN, 'mail to me@Andyland, and @Andyx'],
    ['where the message begins with it', MAIN, '@Andy hi @Andy'],
  ])('is not explained %s', (_, group, text) => {
    const { store, reception } = rig();
    store.groups.add(group, 0);
    reception.onMessage(message({ chatJid: group.jid, text }));
    expect(sentTo(store)).toEqual([]);
  });

  it('is not explained where every message triggers', () => {
    const { store, reception } = rig();
    store.groups.add({ ...MAIN, requiresTrigger: false }, 0);
    reception.onMessage(message({ chatJid: MAIN.jid, text: 'hey @Andy' }));
    expect(sentTo(store)).toEqual([]);
  });
});

describe('an incoming message', () => {
  it('is stored for a registered chat and waits for a turn', () => {
    const { store, reception } = rig();
    store.groups.add(FAMILY, 0);
    reception.onMessage(message({}));
    expect(store.messages.waiting()).toEqual([{ chatJid: FAMILY.jid, firstSeq: 1 }]);
  });

  it('leaves its chat’s name and time when the chat is not registered, never its text', () => {
    const { store, reception, lines } = rig();
    reception.onMessage(message({ isGroup: false, chatJid: 'bob@s.whatsapp.net' }));
    expect(store.chats.find('bob@s.whatsapp.net')).toMatchObject({
      name: 'Bob',
      lastActivity: '2026-01-01T00:00:00.000Z',
    });
    store.groups.add({ ...FAMILY, jid: 'bob@s.whatsapp.net' }, 0);
    expect(store.messages.ofTurn('bob@s.whatsapp.net', 0, { before: 9, from: 9 })).toEqual([]);
    expect(lines.at(-1)).toMatchObject({ level: 20, msg: 'No turn: the chat is not registered' });
  });

  it('is logged at debug when it does not trigger', () => {
    const { store, reception, lines } = rig();
    store.groups.add(FAMILY, 0);
    reception.onMessage(message({ text: 'lunch?' }));
    expect(store.messages.waiting()).toEqual([]);
    expect(lines.at(-1)?.msg).toBe('No turn: it does not begin with @Andy');
  });

  it('is stored once when it arrives twice, as after a reconnect', () => {
    const { store, reception, lines } = rig();
    store.groups.add(FAMILY, 0);
    reception.onMessage(message({}));
    store.messages.moveCursor(FAMILY.jid, 1);
    reception.onMessage(message({}));
    expect(store.messages.waiting()).toEqual([]);
    expect(lines.at(-1)?.msg).toBe('No turn: it was received already');
  });

  it('is recognized by its wire id when the assistant sent it, and never answered', () => {
    const { store, reception } = rig();
    store.groups.add(MAIN, 0);
    const seq = store.outbox.add(
      { chatJid: MAIN.jid, message: { kind: 'text', text: '@Andy hi' }, source: 'reply' },
      0,
    );
    store.outbox.beginSend(seq, 'WIRE');
    reception.onMessage(message({ id: 'WIRE', chatJid: MAIN.jid, fromMe: true, isGroup: false }));
    expect(store.messages.waiting()).toEqual([]);
  });

  it('waits for a locked database, in order with those that follow', () => {
    const directory = temporaryDirectory();
    const { store, reception, lines } = rig(directory);
    store.groups.add(FAMILY, 0);
    const operator = new BetterSqlite3(join(directory, 'store', 'messages.db'));
    operator.exec('BEGIN IMMEDIATE');
    reception.onMessage(message({ id: '1' }));
    reception.onMessage(message({ id: '2' }));
    expect(lines.at(-1)?.msg).toMatch(/cannot be stored yet/);
    operator.exec('COMMIT');
    operator.close();
    const stored = (): unknown =>
      store.messages.ofTurn(FAMILY.jid, 0, { before: 9, from: 9 }).map(({ id }) => id);
    vi.advanceTimersByTime(SECOND);
    expect(stored()).toEqual(['1', '2']);
  });

  it('is reported as committed only after a locked database has taken it', () => {
    const directory = temporaryDirectory();
    const { store, reception } = rig(directory);
    store.groups.add(FAMILY, 0);
    const operator = new BetterSqlite3(join(directory, 'store', 'messages.db'));
    operator.exec('BEGIN IMMEDIATE');
    const later = vi.fn();
    expect(reception.onMessage(message({ id: '1' }), later)).toBe(false);
    expect(later).not.toHaveBeenCalled();
    operator.exec('COMMIT');
    operator.close();
    vi.advanceTimersByTime(SECOND);
    expect(later).toHaveBeenCalledOnce();
    expect(reception.onMessage(message({ id: '2' }), later)).toBe(true);
    expect(later).toHaveBeenCalledOnce();
  });

  it('causes a log line when the database refuses it until the end, because it will arrive again', () => {
    const directory = temporaryDirectory();
    const { reception, lines } = rig(directory);
    const operator = new BetterSqlite3(join(directory, 'store', 'messages.db'));
    operator.exec('BEGIN IMMEDIATE');
    reception.onMessage(message({ id: '1' }));
    reception.stop();
    operator.close();
    expect(lines.at(-1)).toMatchObject({
      messages: 1,
      msg: expect.stringMatching(/taken at the next start/),
    });
  });

  it('delays no message behind it when it cannot be stored for its content', () => {
    const { store, reception, lines, texts } = rig();
    store.groups.add(FAMILY, 0);
    expect(reception.onMessage(message({ id: '1', timestamp: 1e20 }))).toBe(false);
    expect(lines.at(-1)?.msg).toMatch(/left out until the next start/);
    expect(reception.onMessage(message({ id: '2', text: 'next' }))).toBe(true);
    expect(texts()).toEqual(['next']);
  });

  it('is a person’s message when the owner’s phone sends it in their own chat', () => {
    const { store, reception } = rig();
    store.groups.add(MAIN, 0);
    reception.onMessage(message({ chatJid: MAIN.jid, fromMe: true, isGroup: false }));
    expect(store.messages.waiting()).toHaveLength(1);
  });
});

it('a message under an address that was replaced belongs to the chat of the new one', () => {
  const { store, reception } = rig();
  const bob = 'bob@s.whatsapp.net';
  store.groups.add({ ...FAMILY, jid: bob }, 0);
  store.samePerson.merge('102@lid', bob);
  reception.onMessage(message({ chatJid: '102@lid', senderJid: '102@lid', isGroup: false }));
  reception.onMessage(message({ chatJid: bob, senderJid: bob, isGroup: false }));
  expect(store.messages.waiting()).toEqual([{ chatJid: bob, firstSeq: 1 }]);
  expect(store.chats.find('102@lid')).toBeUndefined();
});

describe('another assistant', () => {
  it('is read but never answered, in any group', () => {
    const { store, reception, texts, lines } = rig();
    store.groups.add(TALKATIVE, 0);
    reception.onMessage(message({ text: '@Andy what do you think?', fromAssistant: true }));
    expect(store.messages.waiting()).toEqual([]);
    expect(texts()).toEqual(['@Andy what do you think?']);
    expect(lines.at(-1)?.msg).toBe('No turn: another assistant wrote it');
    reception.onMessage(message({ id: 'B', text: 'and you?' }));
    expect(store.messages.waiting()).toEqual([{ chatJid: FAMILY.jid, firstSeq: 2 }]);
  });

  it('is recognized on the same account by the name before its words', () => {
    const { store, reception } = rig();
    store.groups.add(TALKATIVE, 0);
    reception.onMessage(message({ text: 'Andy: done', fromMe: true }));
    expect(store.messages.waiting()).toEqual([]);
    reception.onMessage(message({ id: 'B', text: 'Andy: is what he calls himself' }));
    expect(store.messages.waiting()).toHaveLength(1);
  });

  it('is not offered as a follow-up either', () => {
    const { store, reception } = rig();
    store.groups.add(TALKATIVE, 0);
    reception.onMessage(message({ text: 'hello', fromAssistant: true }));
    expect(store.messages.nextCall(FAMILY.jid, 0, false)).toBeUndefined();
  });
});

describe('a sender who is not allowed', () => {
  const rules = (mode: string) => ({ default: { allow: ['+49 151 1234567'], mode } });
  const GUEST = { senderJid: '4915199@s.whatsapp.net', senderName: 'Guest' };
  const FRIEND = { senderJid: '491511234567@s.whatsapp.net' };

  it('is included in the next prompt but does not trigger', () => {
    const { store, reception, allow, texts, lines } = rig();
    allow(rules('trigger'));
    store.groups.add(TALKATIVE, 0);
    reception.onMessage(message({ ...GUEST, text: '@Andy open the door' }));
    expect(store.messages.waiting()).toEqual([]);
    expect(lines.map(({ msg }) => msg)).toContain(
      'A sender is not allowed to call the assistant: the message waits for somebody else’s call',
    );
    reception.onMessage(message({ ...FRIEND, id: 'B', text: 'lunch?' }));
    expect(store.messages.waiting()).toEqual([{ chatJid: FAMILY.jid, firstSeq: 2 }]);
    expect(texts()).toEqual(['@Andy open the door', 'lunch?']);
  });

  it('leaves no text anywhere where the allowlist says drop', () => {
    const directory = temporaryDirectory();
    const { store, reception, allow, texts, lines } = rig(directory);
    allow(rules('drop'));
    store.groups.add(FAMILY, 0);
    reception.onMessage(message({ ...GUEST, text: '@Andy xyzzy' }));
    const replyTo = { id: 'A', ...GUEST, text: 'xyzzy' };
    reception.onMessage(message({ ...FRIEND, id: 'B', text: '@Andy who was that?', replyTo }));
    expect(texts()).toEqual(['@Andy who was that?']);
    const file = new BetterSqlite3(join(directory, 'store', 'messages.db'), { readonly: true });
    expect(file.serialize().includes('xyzzy')).toBe(false);
    file.close();
    expect(JSON.stringify(lines)).not.toContain('xyzzy');
  });

  it('is never the owner', () => {
    const { store, reception, allow } = rig();
    allow({ default: { allow: [], mode: 'drop' } });
    store.groups.add(MAIN, 0);
    reception.onMessage(message({ chatJid: MAIN.jid, senderJid: MAIN.jid, fromMe: true, isGroup: false }));
    expect(store.messages.waiting()).toHaveLength(1);
  });
});

describe('a message with a file', () => {
  const file = { kind: 'image', reference: 'how to find it' } as const;

  it('is stored together with the reference of the file, once', () => {
    const { store, reception } = rig();
    store.groups.add(FAMILY, 0);
    reception.onMessage(message({ attachments: [file] }));
    reception.onMessage(message({ attachments: [file] }));
    expect(store.attachments.waiting()).toEqual([
      expect.objectContaining({ messageSeq: 1, chatJid: FAMILY.jid, reference: 'how to find it' }),
    ]);
  });

  it('leaves nothing of the file when its chat is not registered', () => {
    const { store, reception } = rig();
    reception.onMessage(message({ attachments: [file] }));
    expect(store.attachments.waiting()).toEqual([]);
  });
});
