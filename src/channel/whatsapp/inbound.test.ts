import { proto, type WAMessage } from '@whiskeysockets/baileys';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Contacts } from './contacts.ts';
import { Identity } from './identity.ts';
import { Inbound } from './inbound.ts';
import { Recorder } from './testing/recorder.ts';

const ME = { id: '491510:7@s.whatsapp.net', lid: '100:7@lid' };
const ME_JID = '491510@s.whatsapp.net';
const PETER = '491512@s.whatsapp.net';
const GROUP = '120363000@g.us';
const NOW = 1_700_000_000_000;

function rig() {
  const logged: string[] = [];
  const listener = new Recorder();
  const identity = new Identity({ numberOf: () => undefined, learnNumber: () => undefined }, () => ME);
  const contacts = new Contacts(identity, () => 'Maria');
  const inbound = new Inbound({
    listener,
    identity,
    contacts,
    groupName: (jid) => (jid === GROUP ? 'Family' : undefined),
    clock: { now: () => NOW },
    log: pino({ level: 'debug' }, { write: (line) => void logged.push(line) }),
  });
  return { inbound, listener, contacts, log: () => logged.join('') };
}

function message(content: proto.IMessage, over: Partial<WAMessage> = {}): WAMessage {
  return {
    key: { remoteJid: PETER, id: 'A1', fromMe: false },
    message: content,
    messageTimestamp: 1_700_000_123,
    pushName: 'Peter',
    ...over,
  };
}

describe('text', () => {
  it.each<[string, proto.IMessage]>([
    ['a plain message', { conversation: 'hi' }],
    ['an extended text', { extendedTextMessage: { text: 'hi' } }],
    ['a disappearing message', { ephemeralMessage: { message: { extendedTextMessage: { text: 'hi' } } } }],
    ['a picture’s caption', { imageMessage: { caption: 'hi' } }],
    ['a video’s caption', { videoMessage: { caption: 'hi' } }],
    [
      'a document’s caption',
      { documentWithCaptionMessage: { message: { documentMessage: { caption: 'hi' } } } },
    ],
    ['a picture to be seen once', { viewOnceMessageV2: { message: { imageMessage: { caption: 'hi' } } } }],
    [
      'a disappearing picture to be seen once',
      {
        ephemeralMessage: { message: { viewOnceMessage: { message: { imageMessage: { caption: 'hi' } } } } },
      },
    ],
  ])('is taken from %s', (_, content) => {
    const { inbound, listener } = rig();
    inbound.take([message(content)]);
    expect(listener.messages).toEqual([
      {
        chatJid: PETER,
        id: 'A1',
        senderJid: PETER,
        senderName: 'Peter',
        text: 'hi',
        timestamp: 1_700_000_123_000,
        fromMe: false,
        isGroup: false,
        replyTo: undefined,
      },
    ]);
  });

  it.each<[string, Partial<WAMessage>]>([
    ['a message without content', { message: null }],
    ['an empty text', { message: { conversation: '' } }],
    ['a picture without a caption', { message: { imageMessage: {} } }],
    ['a reaction', { message: { reactionMessage: { text: '👍', key: { id: 'X' } } } }],
    [
      'a protocol message',
      { message: { protocolMessage: { type: proto.Message.ProtocolMessage.Type.REVOKE } } },
    ],
    ['an edit', { message: { editedMessage: { message: { conversation: 'changed' } } } }],
    [
      'a message that did not decrypt',
      { messageStubType: proto.WebMessageInfo.StubType.CIPHERTEXT, message: null },
    ],
    ['a status', { key: { remoteJid: 'status@broadcast', participant: PETER, id: 'A1' } }],
    ['a channel’s message', { key: { remoteJid: '1203630@newsletter', id: 'A1' } }],
    ['a broadcast list’s message', { key: { remoteJid: '77@broadcast', participant: PETER, id: 'A1' } }],
    ['a message without an id', { key: { remoteJid: PETER } }],
    ['a group’s message without a writer', { key: { remoteJid: GROUP, id: 'A1' } }],
  ])('is not taken from %s, which leaves a line at debug', (_, over) => {
    const { inbound, listener, log } = rig();
    inbound.take([message({ conversation: 'hi' }, over)]);
    expect(listener.messages).toEqual([]);
    expect(log()).toMatch(/Message skipped: /);
    expect(log()).not.toContain('"level":50');
  });
});

describe('who and where', () => {
  it('the owner’s own message says so, in either form of the self-chat', () => {
    const { inbound, listener } = rig();
    inbound.take([
      message({ conversation: 'one' }, { key: { remoteJid: ME_JID, id: 'A1', fromMe: true } }),
      message({ conversation: 'two' }, { key: { remoteJid: '100@lid', id: 'A2', fromMe: true } }),
    ]);
    for (const each of listener.messages) {
      expect(each).toMatchObject({ chatJid: ME_JID, senderJid: ME_JID, senderName: 'Maria', fromMe: true });
    }
    expect(listener.messages).toHaveLength(2);
  });

  it('a group’s message names its writer, and the chat is told with its name and time', () => {
    const { inbound, listener } = rig();
    const key = { remoteJid: GROUP, id: 'A1', participant: '102:4@lid', participantAlt: PETER };
    inbound.take([message({ conversation: 'hi' }, { key })]);
    expect(listener.messages[0]).toMatchObject({
      chatJid: GROUP,
      senderJid: PETER,
      senderName: 'Peter',
      isGroup: true,
    });
    expect(listener.chats).toEqual([
      { jid: GROUP, name: 'Family', isGroup: true, lastActivity: 1_700_000_123_000 },
    ]);
  });

  it('a nameless person is named by the number', () => {
    const { inbound, listener } = rig();
    inbound.take([message({ conversation: 'hi' }, { pushName: null })]);
    expect(listener.messages[0]?.senderName).toBe('+491512');
    expect(listener.chats[0]?.name).toBeUndefined();
  });

  it('a name heard once serves for later messages without one', () => {
    const { inbound, listener } = rig();
    inbound.take([message({ conversation: 'one' }), message({ conversation: 'two' }, { pushName: null })]);
    expect(listener.messages.map(({ senderName }) => senderName)).toEqual(['Peter', 'Peter']);
  });

  it('a message without a time is taken as of now', () => {
    const { inbound, listener } = rig();
    inbound.take([message({ conversation: 'hi' }, { messageTimestamp: null })]);
    expect(listener.messages[0]?.timestamp).toBe(NOW);
  });
});

describe('a reply', () => {
  const reply = (quotedMessage: proto.IMessage | null, participant: string) =>
    message({
      extendedTextMessage: { text: 'yes', contextInfo: { stanzaId: 'Q', participant, quotedMessage } },
    });

  it('carries whom it answers and what they said', () => {
    const { inbound, listener } = rig();
    inbound.take([reply({ conversation: 'dinner?' }, ME.lid)]);
    expect(listener.messages[0]?.replyTo).toEqual({ id: 'Q', senderName: 'Maria', text: 'dinner?' });
  });

  it('to a picture has its caption or nothing as the text', () => {
    const { inbound, listener } = rig();
    inbound.take([reply({ imageMessage: {} }, PETER)]);
    expect(listener.messages[0]?.replyTo).toEqual({ id: 'Q', senderName: 'Peter', text: '' });
  });

  it('without what it answers is an ordinary message', () => {
    const { inbound, listener } = rig();
    inbound.take([reply(null, PETER)]);
    expect(listener.messages[0]).toMatchObject({ text: 'yes', replyTo: undefined });
  });
});

describe('a bad message', () => {
  it('does not lose the next ones, and is logged with its id', () => {
    const { inbound, listener, log } = rig();
    const broken = {} as WAMessage;
    listener.rejects = ({ id }) => id === 'A2';
    const numbered = (id: string) => message({ conversation: id }, { key: { remoteJid: PETER, id } });
    inbound.take([numbered('A1'), broken, numbered('A2'), numbered('A3')]);
    expect(listener.texts).toEqual(['A1', 'A3']);
    expect(log()).toMatch(/"level":50.*"id":"A2".*A message could not be taken in/);
  });
});
