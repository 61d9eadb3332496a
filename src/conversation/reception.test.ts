import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, vi } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, testStore } from '../../test/support/test-store.ts';
import type { InboundMessage } from '../channel/channel.ts';
import { Reception } from './reception.ts';

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

function rig(directory?: string) {
  const store = testStore(directory);
  const { log, lines } = rememberingLog();
  return { store, reception: new Reception(store, { now: () => Date.now() }, log), lines };
}

describe('a message that comes in', () => {
  it('to a registered chat is stored and waits for a turn', () => {
    const { store, reception } = rig();
    store.groups.add(FAMILY, 0);
    reception.onMessage(message({}));
    expect(store.messages.waiting()).toEqual([{ chatJid: FAMILY.jid, firstSeq: 1 }]);
  });

  it('to a chat that is not registered leaves its name and time, never its text', () => {
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

  it('that calls nobody says so at debug', () => {
    const { store, reception, lines } = rig();
    store.groups.add(FAMILY, 0);
    reception.onMessage(message({ text: 'lunch?' }));
    expect(store.messages.waiting()).toEqual([]);
    expect(lines.at(-1)?.msg).toBe('No turn: it does not begin with @Andy');
  });

  it('twice, as after a reconnect, is one', () => {
    const { store, reception, lines } = rig();
    store.groups.add(FAMILY, 0);
    reception.onMessage(message({}));
    store.messages.moveCursor(FAMILY.jid, 1);
    reception.onMessage(message({}));
    expect(store.messages.waiting()).toEqual([]);
    expect(lines.at(-1)?.msg).toBe('No turn: it was received already');
  });

  it('that the assistant sent itself is known by its wire id and never answered, even if it calls', () => {
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

  it('while the database is locked waits for it, in order with those that follow', async () => {
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
    await vi.waitFor(() => expect(stored()).toEqual(['1', '2']), { timeout: 5_000 });
  });

  it('from the owner’s phone in their own chat is a person’s message', () => {
    const { store, reception } = rig();
    store.groups.add(MAIN, 0);
    reception.onMessage(message({ chatJid: MAIN.jid, fromMe: true, isGroup: false }));
    expect(store.messages.waiting()).toHaveLength(1);
  });
});
