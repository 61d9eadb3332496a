import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Contacts } from './contacts.ts';
import { History } from './history.ts';
import { Identity } from './identity.ts';
import { Recorder } from './testing/recorder.ts';

const ME = { id: '491510:7@s.whatsapp.net', lid: '100:7@lid' };
const NOW = 1_700_000_500_000;
const PETER = '491512@s.whatsapp.net';

function rig() {
  const listener = new Recorder();
  const identity = new Identity(
    {
      numberOf: () => undefined,
      lidOf: () => undefined,
      learntNumber: () => undefined,
      learnNumber: () => undefined,
    },
    () => ME,
  );
  const contacts = new Contacts(identity, () => 'Maria');
  const noted: unknown[][] = [];
  const timers = { note: (...told: unknown[]) => void noted.push(told) };
  const clock = { now: () => NOW };
  const history = new History(listener, identity, contacts, timers, clock, pino({ level: 'silent' }));
  return { listener, contacts, history, noted };
}

describe('a history', () => {
  it('a chat whose last activity is in the future counts as active now', () => {
    const { listener, history } = rig();
    const chats = [1_700_000_900, 4_000_000_000, 1e20].map((conversationTimestamp) => ({
      id: PETER,
      conversationTimestamp,
    }));
    history.take({ contacts: [], chats, messages: [] });
    expect(listener.chats.map(({ lastActivity }) => lastActivity)).toEqual([NOW, NOW, NOW]);
  });

  it('reports chats by name and last activity, and never a message', () => {
    const { listener, history } = rig();
    history.take({
      contacts: [{ id: '102@lid', phoneNumber: PETER, name: 'Peter' }],
      chats: [
        { id: '102@lid', pnJid: PETER, conversationTimestamp: 1_700_000_000 },
        { id: '120363@g.us', name: 'Family' },
      ],
      messages: [{ key: { remoteJid: PETER, id: 'OLD' }, message: { conversation: '@Andy do something' } }],
    });
    expect(listener.chats).toEqual([
      { jid: PETER, name: 'Peter', isGroup: false, lastActivity: 1_700_000_000_000 },
      { jid: '120363@g.us', name: 'Family', isGroup: true, lastActivity: undefined },
    ]);
    expect(listener.messages).toEqual([]);
  });

  it('tells the timers of disappearing messages that the phone knows', () => {
    const { history, noted } = rig();
    const set = { ephemeralExpiration: 86_400, ephemeralSettingTimestamp: 1_700_000_000 };
    history.take({ contacts: [], chats: [{ id: PETER, ...set }, { id: '120363@g.us' }], messages: [] });
    expect(noted).toEqual([[PETER, { seconds: 86_400, setAt: 1_700_000_000 }, NOW]]);
  });

  it('leaves out chats that are not with people', () => {
    const { listener, history } = rig();
    history.take({
      contacts: [],
      chats: [{ id: 'status@broadcast' }, { id: '1@newsletter' }, { id: '' }, {}],
      messages: [],
    });
    expect(listener.chats).toEqual([]);
  });

  it('continues after a chat that the listener rejects', () => {
    const { listener, history } = rig();
    const told: string[] = [];
    listener.onChat = ({ jid }) => {
      if (jid === PETER) throw new Error('disk full');
      told.push(jid);
    };
    history.take({ contacts: [], chats: [{ id: PETER }, { id: '120363@g.us' }], messages: [] });
    expect(told).toEqual(['120363@g.us']);
  });

  it('makes no chat for a contact that only has a name', () => {
    const { listener, contacts, history } = rig();
    history.contacts([{ id: PETER, notify: 'Peter' }, { id: ME.id, notify: 'not Maria' }, {}]);
    expect(contacts.nameOf(PETER)).toBe('Peter');
    expect(contacts.nameOf('491510@s.whatsapp.net')).toBe('Maria');
    expect(listener.chats).toEqual([]);
  });
});
