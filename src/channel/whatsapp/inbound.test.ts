import { randomBytes } from 'node:crypto';
import { proto, type WAMessage } from '@whiskeysockets/baileys';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Contacts } from './contacts.ts';
import { Identity } from './identity.ts';
import { Inbound } from './inbound.ts';
import { Recorder } from './testing/recorder.ts';
import { newWireId } from './wire-id.ts';

const ME = { id: '491510:7@s.whatsapp.net', lid: '100:7@lid' };
const ME_JID = '491510@s.whatsapp.net';
const PETER = '491512@s.whatsapp.net';
const GROUP = '120363000@g.us';
const NOW = 1_700_000_000_000;

/** @param numbers of LIDs, as the lists of groups tell them */
function rig(numbers: Readonly<Record<string, string>> = {}) {
  const logged: string[] = [];
  const listener = new Recorder();
  const identity = new Identity(
    {
      numberOf: (lid) => numbers[lid],
      lidOf: () => undefined,
      learntNumber: () => undefined,
      learnNumber: () => undefined,
    },
    () => ME,
  );
  const contacts = new Contacts(identity, () => 'Maria');
  const timers: unknown[][] = [];
  const inbound = new Inbound({
    listener,
    identity,
    contacts,
    groupName: (jid) => (jid === GROUP ? 'Family' : undefined),
    timers: { note: (...told) => void timers.push(told) },
    clock: { now: () => NOW },
    log: pino({ level: 'debug' }, { write: (line) => void logged.push(line) }),
  });
  return { inbound, listener, contacts, timers, log: () => logged.join('') };
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

describe('a view-once message that only the phone can open', () => {
  it('says so when nothing else of it has arrived', () => {
    const { inbound, listener } = rig();
    const key = { remoteJid: PETER, id: 'A1', fromMe: false, isViewOnce: true };
    inbound.take([{ key, messageTimestamp: 1_700_000_123, pushName: 'Peter' }]);
    expect(listener.messages).toMatchObject([
      {
        id: 'A1',
        senderName: 'Peter',
        text: '[a view-once message, which can only be opened on the phone]',
      },
    ]);
  });

  it('is read as any other when it has arrived whole', () => {
    const { inbound, listener } = rig();
    inbound.take([
      message({ conversation: 'hi' }, { key: { remoteJid: PETER, id: 'A1', isViewOnce: true } }),
    ]);
    expect(listener.texts).toEqual(['hi']);
  });
});

describe('the text of a message', () => {
  it.each<[string, proto.IMessage]>([
    ['a plain message', { conversation: 'hi' }],
    ['an extended text', { extendedTextMessage: { text: 'hi' } }],
    ['a disappearing message', { ephemeralMessage: { message: { extendedTextMessage: { text: 'hi' } } } }],
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
    [
      'a protocol message',
      { message: { protocolMessage: { type: proto.Message.ProtocolMessage.Type.REVOKE } } },
    ],
    [
      'a message that did not decrypt',
      { messageStubType: proto.WebMessageInfo.StubType.CIPHERTEXT, message: null },
    ],
    ['a status', { key: { remoteJid: 'status@broadcast', participant: PETER, id: 'A1' } }],
    ['a channel’s message', { key: { remoteJid: '1203630@newsletter', id: 'A1' } }],
    [
      'what the owner sends to a broadcast list',
      { key: { remoteJid: '77@broadcast', participant: ME.lid, id: 'A1', fromMe: false } },
    ],
    ['a message without an id', { key: { remoteJid: PETER } }],
    ['a group’s message without a writer', { key: { remoteJid: GROUP, id: 'A1' } }],
  ])('is not taken from %s, which leaves a log line at debug', (_, over) => {
    const { inbound, listener, log } = rig();
    inbound.take([message({ conversation: 'hi' }, over)]);
    expect(listener.messages).toEqual([]);
    expect(log()).toMatch(/Message skipped: /);
    expect(log()).not.toContain('"level":50');
  });
});

describe('the sender and the chat of a message', () => {
  it('the owner’s own message is marked as such, in either form of the self-chat', () => {
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

  it('a group’s message names its writer, and the chat is reported with its name and time', () => {
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

  it('a sender without a name is shown by the number', () => {
    const { inbound, listener } = rig();
    inbound.take([message({ conversation: 'hi' }, { pushName: null })]);
    expect(listener.messages[0]?.senderName).toBe('+491512');
    expect(listener.chats[0]?.name).toBeUndefined();
  });

  it('a sender without a name or visible number is shown by the username, or else by the LID as such', () => {
    const { inbound, listener, contacts } = rig();
    const say = (pushName: string | null) =>
      inbound.take([message({ conversation: 'hi' }, { key: { remoteJid: '102@lid', id: 'A1' }, pushName })]);
    say(null);
    contacts.learnFrom({ tag: 'message', attrs: { from: '102:3@lid', username: 'petey' } });
    say(null);
    say('Peter');
    contacts.learnFrom({ tag: 'message', attrs: { from: '102:3@lid', username: 'petey' } });
    say(null);
    const names = listener.messages.map(({ senderName }) => senderName);
    expect(names).toEqual(['user 102', 'petey', 'Peter', 'Peter']);
  });

  it('usernames are read from group messages and from what the owner writes to others', () => {
    const { contacts } = rig();
    contacts.learnFrom({
      tag: 'message',
      attrs: { from: GROUP, participant: '102@lid', participant_username: 'petey' },
    });
    contacts.learnFrom({
      tag: 'message',
      attrs: { from: '100:7@lid', recipient: '103@lid', peer_recipient_username: 'anna' },
    });
    contacts.learnFrom({ tag: 'message', attrs: {} });
    expect(['102@lid', '103@lid'].map((jid) => contacts.nameOf(jid))).toEqual(['petey', 'anna']);
  });

  it('a name is remembered for later messages without one', () => {
    const { inbound, listener } = rig();
    inbound.take([message({ conversation: 'one' }), message({ conversation: 'two' }, { pushName: null })]);
    expect(listener.messages.map(({ senderName }) => senderName)).toEqual(['Peter', 'Peter']);
  });

  it.each([null, 0, -1, Number.NaN, 1e20, NOW / 1_000 + 301])(
    'a message whose time is missing, absurd or in the future (%s) gets the current time',
    (messageTimestamp) => {
      const { inbound, listener } = rig();
      inbound.take([message({ conversation: 'hi' }, { messageTimestamp })]);
      expect(listener.messages[0]?.timestamp).toBe(NOW);
      expect(listener.chats[0]?.lastActivity).toBe(NOW);
    },
  );

  it('a message keeps a time that is ahead by as much as clocks differ', () => {
    const { inbound, listener } = rig();
    inbound.take([message({ conversation: 'hi' }, { messageTimestamp: NOW / 1_000 + 299 })]);
    expect(listener.messages[0]?.timestamp).toBe(NOW + 299_000);
  });
});

describe('a message that came by a broadcast list', () => {
  const by = (participant: string, remoteJidAlt?: string) => ({
    key: {
      remoteJid: '77@broadcast',
      participant,
      id: 'A1',
      fromMe: false,
      ...(remoteJidAlt && { remoteJidAlt }),
    },
  });

  it.each([
    ['number', PETER, '102@lid'],
    ['LID', '102:4@lid', PETER],
  ])('belongs to the direct chat with its writer, who is named by %s', (_, participant, alt) => {
    const { inbound, listener } = rig();
    inbound.take([message({ conversation: 'hi all' }, by(participant, alt))]);
    expect(listener.messages).toMatchObject([
      { chatJid: PETER, senderJid: PETER, senderName: 'Peter', isGroup: false, fromMe: false },
    ]);
    expect(listener.chats).toMatchObject([{ jid: PETER, name: 'Peter', isGroup: false }]);
  });

  it('is removed there', () => {
    const { inbound, listener } = rig();
    const { REVOKE } = proto.Message.ProtocolMessage.Type;
    inbound.take([message({ protocolMessage: { type: REVOKE, key: { id: 'OLD' } } }, by(PETER))]);
    expect(listener.changes).toMatchObject([{ kind: 'delete', chatJid: PETER, senderJid: PETER, id: 'OLD' }]);
  });
});

it('a message by another instance of the assistant is marked as such by its id', () => {
  const { inbound, listener } = rig();
  const key = { remoteJid: PETER, fromMe: false };
  inbound.take([
    message({ conversation: 'one' }, { key: { ...key, id: newWireId(randomBytes) } }),
    message({ conversation: 'two' }, { key: { ...key, id: '3EB00123456789ABCDEF01' } }),
  ]);
  expect(listener.messages.map(({ fromAssistant }) => fromAssistant)).toEqual([true, undefined]);
});

describe('a reply', () => {
  const reply = (quotedMessage: proto.IMessage | null, participant: string) =>
    message({
      extendedTextMessage: { text: 'yes', contextInfo: { stanzaId: 'Q', participant, quotedMessage } },
    });

  it('has the sender and the text of the message that it answers', () => {
    const { inbound, listener } = rig();
    inbound.take([reply({ conversation: 'dinner?' }, ME.lid)]);
    expect(listener.messages[0]?.replyTo).toEqual({
      id: 'Q',
      senderJid: ME_JID,
      senderName: 'Maria',
      text: 'dinner?',
    });
  });

  it('names the kind of the message that it answers when that is a picture', () => {
    const { inbound, listener } = rig();
    inbound.take([reply({ imageMessage: {} }, PETER)]);
    expect(listener.messages[0]?.replyTo).toEqual({
      id: 'Q',
      senderJid: PETER,
      senderName: 'Peter',
      text: '[image]',
    });
  });

  it('is an ordinary message when it lacks the message that it answers', () => {
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

const FILE = { mediaKey: Buffer.from('key'), directPath: '/v/1' };

describe('a caption', () => {
  it.each<[string, proto.IMessage]>([
    ['a picture', { imageMessage: { ...FILE, caption: 'hi' } }],
    ['a video', { videoMessage: { ...FILE, caption: 'hi' } }],
    [
      'a document',
      { documentWithCaptionMessage: { message: { documentMessage: { ...FILE, caption: 'hi' } } } },
    ],
    ['one to be seen once', { viewOnceMessageV2: { message: { imageMessage: { ...FILE, caption: 'hi' } } } }],
    [
      'a disappearing one to be seen once',
      {
        ephemeralMessage: {
          message: { viewOnceMessage: { message: { imageMessage: { ...FILE, caption: 'hi' } } } },
        },
      },
    ],
  ])('is the text of %s, which is attached', (_, content) => {
    const { inbound, listener } = rig();
    inbound.take([message(content)]);
    expect(listener.messages).toMatchObject([
      { text: 'hi', attachments: [{ reference: expect.any(String) }] },
    ]);
  });

  it('starts with the kind of the file when the file can never be fetched', () => {
    const { inbound, listener } = rig();
    inbound.take([message({ audioMessage: { ptt: true } }), message({ imageMessage: { caption: 'hi' } })]);
    expect(listener.texts).toEqual(['[voice message]', '[image] hi']);
    expect(listener.messages[0]?.attachments).toBeUndefined();
  });
});

describe('a message that is no text', () => {
  it.each<[string, proto.IMessage, string]>([
    [
      'a contact',
      {
        contactMessage: {
          displayName: 'Ben',
          vcard: 'BEGIN:VCARD\r\nitem1.TEL;waid=49:+49 151\r\nEND:VCARD',
        },
      },
      '[contact] Ben, +49 151',
    ],
    [
      'contacts',
      { contactsArrayMessage: { contacts: [{ displayName: 'Ben' }, { vcard: '' }] } },
      '[contact] Ben\n[contact] without a name',
    ],
    [
      'a place',
      { locationMessage: { name: 'Zoo', address: 'Berlin', degreesLatitude: 52.5, degreesLongitude: 0 } },
      '[location] Zoo, Berlin (52.5, 0)',
    ],
    [
      'a live place',
      { liveLocationMessage: { degreesLatitude: 1, degreesLongitude: 2 } },
      '[live location] (1, 2)',
    ],
    [
      'a poll',
      { pollCreationMessageV3: { name: 'When?', options: [{ optionName: 'Mon' }, { optionName: 'Tue' }] } },
      '[poll] When?\n- Mon\n- Tue',
    ],
    [
      'an invitation',
      { groupInviteMessage: { groupName: 'Choir', caption: 'come' } },
      '[invitation to a group] Choir come',
    ],
    [
      'an event',
      { eventMessage: { name: 'Dinner', startTime: 1_700_000_000, location: { name: 'Zoo' } } },
      '[event] Dinner\nfrom 2023-11-14T22:13Z\nZoo',
    ],
    ['a button that was pressed', { buttonsResponseMessage: { selectedDisplayText: 'Yes' } }, 'Yes'],
    ['a row that was chosen', { listResponseMessage: { title: 'Soup', description: 'hot' } }, 'Soup\nhot'],
    [
      'a button that was pressed and has no words',
      { buttonsResponseMessage: { selectedButtonId: 'b1' } },
      'b1',
    ],
    ['a quick reply without words', { templateButtonReplyMessage: { selectedId: 'b2' } }, 'b2'],
    [
      'a row that was chosen and has no words',
      { listResponseMessage: { singleSelectReply: { selectedRowId: 'r1' } } },
      'r1',
    ],
    ['an answer to a question', { questionResponseMessage: { text: 'tea' } }, 'tea'],
    [
      'a native button that was pressed',
      {
        interactiveResponseMessage: {
          body: { text: 'Yes' },
          nativeFlowResponseMessage: { name: 'quick_reply', paramsJson: '{"id":"b3"}' },
        },
      },
      'Yes',
    ],
    [
      'a native button that was pressed and has no words',
      { interactiveResponseMessage: { nativeFlowResponseMessage: { paramsJson: '{"id":"b4"}' } } },
      'b4',
    ],
    [
      'a row of a native list',
      {
        interactiveResponseMessage: {
          body: { text: '' },
          nativeFlowResponseMessage: {
            name: 'menu_options',
            paramsJson: '{"id":"r2","title":"Soup","description":"hot"}',
          },
        },
      },
      'Soup\nhot',
    ],
    [
      'a form that was filled in',
      {
        interactiveResponseMessage: {
          body: { text: 'Sent' },
          nativeFlowResponseMessage: {
            name: 'flow',
            paramsJson:
              '{"flow_token":"t","day":"Monday","seats":2,"with":["Ann","Ben"],"home":{"city":"Ulm"}}',
          },
        },
      },
      'Sent\nday: Monday\nseats: 2\nwith: Ann, Ben\ncity: Ulm',
    ],
    [
      'a choice that nobody can read',
      { interactiveResponseMessage: { nativeFlowResponseMessage: { name: 'x', paramsJson: '{broken' } } },
      '[a choice, which cannot be shown here] x',
    ],
    [
      'native buttons',
      {
        interactiveMessage: {
          body: { text: 'Pizza?' },
          nativeFlowMessage: {
            buttons: [
              { name: 'quick_reply', buttonParamsJson: '{"display_text":"Yes","id":"1"}' },
              { name: 'cta_url', buttonParamsJson: '{"display_text":"Menu","url":"https://pizza.example"}' },
              { name: 'cta_call', buttonParamsJson: '{"display_text":"Call","phone_number":"+49 30"}' },
              { name: 'cta_copy', buttonParamsJson: '{"display_text":"Code","copy_code":"X1"}' },
              {
                name: 'single_select',
                buttonParamsJson:
                  '{"title":"Kinds","sections":[{"rows":[{"title":"Rossa","description":"hot"},{"title":"Bianca"}]}]}',
              },
              { name: 'broken', buttonParamsJson: '[1' },
            ],
          },
        },
      },
      'Pizza?\n- Yes\n- Menu (https://pizza.example)\n- Call (+49 30)\n- Code (X1)\n- Kinds\n- Rossa, hot\n- Bianca',
    ],
    [
      'the cards of a carousel',
      {
        interactiveMessage: {
          body: { text: 'Today' },
          carouselMessage: {
            cards: [
              { header: { title: 'Soup' }, body: { text: 'hot' } },
              {
                body: { text: 'Salad' },
                nativeFlowMessage: { buttons: [{ buttonParamsJson: '{"display_text":"Take it"}' }] },
              },
            ],
          },
        },
      },
      'Today\n[card] Soup\nhot\n[card] Salad\n- Take it',
    ],
    [
      'a message of a business without words',
      { interactiveMessage: { header: {} } },
      '[a message of a business, which cannot be shown here]',
    ],
    [
      'a template’s buttons with their addresses',
      {
        templateMessage: {
          hydratedTemplate: {
            hydratedContentText: 'Hi',
            hydratedButtons: [
              { urlButton: { displayText: 'Open', url: 'https://a.example' } },
              { callButton: { displayText: 'Call', phoneNumber: '+49 30' } },
              { quickReplyButton: { displayText: 'No' } },
            ],
          },
        },
      },
      'Hi\n- Open (https://a.example)\n- Call (+49 30)\n- No',
    ],
    ['a payment', { sendPaymentMessage: {} }, '[a payment, which cannot be shown here]'],
  ])('has a readable description: %s', (_, content, text) => {
    const { inbound, listener } = rig();
    inbound.take([message(content)]);
    expect(listener.texts).toEqual([text]);
  });

  it.each<[string, proto.IMessage]>([
    ['a vote', { pollUpdateMessage: { pollCreationMessageKey: { id: 'P' } } }],
    ['keys', { senderKeyDistributionMessage: {}, messageContextInfo: {} }],
    ['an album’s frame', { albumMessage: { expectedImageCount: 2 } }],
    [
      'wrappers without end',
      Array.from({ length: 20 }).reduce<proto.IMessage>((message) => ({ ephemeralMessage: { message } }), {
        conversation: 'deep',
      }),
    ],
  ])('is left out when people never see it: %s', (_, content) => {
    const { inbound, listener } = rig();
    inbound.take([message(content)]);
    expect(listener.messages).toEqual([]);
  });
});

describe('a mention', () => {
  const mentioning = (text: string, ...mentionedJid: string[]) =>
    message({ extendedTextMessage: { text, contextInfo: { mentionedJid } } }, { pushName: null });

  it.each([ME_JID, '100@lid'])(
    'a mention of the account as %s is reported, with the account’s name',
    (jid) => {
      const { inbound, listener } = rig();
      inbound.take([mentioning(`please @${jid.split('@')[0]}`, jid)]);
      expect(listener.messages[0]).toMatchObject({ text: 'please @Maria', mentionsAssistant: true });
    },
  );

  it('shows other people by name where it is known, beside the text as it was written', () => {
    const { inbound, listener, contacts } = rig();
    contacts.learn(PETER, 'Andy\n obey');
    inbound.take([mentioning('@491512 and @7, 2@491512', PETER, '7@s.whatsapp.net')]);
    expect(listener.messages[0]).toMatchObject({
      text: '@Andy obey and @+7, 2@Andy obey',
      written: '@491512 and @7, 2@491512',
    });
    expect(listener.messages[0]?.mentionsAssistant).toBeUndefined();
  });
});

it('a message with half a character has a sign in its place, in its text, its name and its quote', () => {
  const { inbound, listener } = rig();
  const context = { stanzaId: 'Q', participant: PETER, quotedMessage: { conversation: 'q\udc4d' } };
  const content = { extendedTextMessage: { text: 'hi \ud83d', contextInfo: context } };
  inbound.take([message(content, { pushName: 'Peter \ud83d' })]);
  expect(listener.messages).toMatchObject([
    { text: 'hi \ufffd', senderName: 'Peter \ufffd', replyTo: { text: 'q\ufffd' } },
  ]);
});

it('a reaction that is too long is cut between characters', () => {
  const { inbound, listener } = rig();
  const family = '👨‍👩‍👧‍👦';
  const key = { remoteJid: PETER, id: 'A0', fromMe: false };
  inbound.take([message({ reactionMessage: { key, text: family.repeat(9) } })]);
  expect(listener.texts).toEqual([`reacted ${family.repeat(3)}`]);
});

it('a member who was never heard from is mentioned by the number that belongs to the LID', () => {
  const { inbound, listener } = rig({ 102: '491513' });
  const contextInfo = { mentionedJid: ['102@lid', '103@lid'] };
  inbound.take([message({ extendedTextMessage: { text: 'ask @102 or @103', contextInfo } })]);
  expect(listener.texts).toEqual(['ask @+491513 or @103']);
});

it('a message is taken although the name of its chat cannot be recorded', () => {
  const { inbound, listener, log } = rig();
  listener.onChat = () => {
    throw new Error('the database is locked');
  };
  expect(inbound.take([message({ conversation: 'hi' })])).toHaveLength(1);
  expect(listener.texts).toEqual(['hi']);
  expect(log()).toContain('The name of a chat could not be recorded');
});

it('the timer of a chat is noted with the time of the message that tells it', () => {
  const { inbound, timers } = rig();
  const contextInfo = { expiration: 86_400 };
  const group = { remoteJid: GROUP, id: 'A1', participant: PETER };
  const setting = { type: proto.Message.ProtocolMessage.Type.EPHEMERAL_SETTING, ephemeralExpiration: 0 };
  inbound.take([
    message({ extendedTextMessage: { text: 'hi', contextInfo } }),
    message({ conversation: 'hi' }),
    message({ protocolMessage: setting }, { key: group }),
  ]);
  expect(timers).toEqual([
    [PETER, { seconds: 86_400 }, 1_700_000_123_000],
    [GROUP, { seconds: 0, setAt: 1_700_000_123 }, 1_700_000_123_000],
  ]);
});

describe('an act on an earlier message', () => {
  const { Type } = proto.Message.ProtocolMessage;
  const edit: proto.IMessage = {
    protocolMessage: {
      type: Type.MESSAGE_EDIT,
      key: { id: 'OLD' },
      editedMessage: { extendedTextMessage: { text: 'new' } },
      timestampMs: 1_700_000_123_456,
    },
  };

  it.each<[string, proto.IMessage]>([
    ['bare', edit],
    ['wrapped', { editedMessage: { message: edit } }],
    ['disappearing', { ephemeralMessage: { message: { editedMessage: { message: edit } } } }],
  ])('an edit is reported as a change of it: %s', (_, content) => {
    const { inbound, listener } = rig();
    inbound.take([message(content)]);
    expect(listener.messages).toEqual([]);
    expect(listener.changes).toEqual([
      {
        kind: 'edit',
        chatJid: PETER,
        id: 'OLD',
        editId: 'A1',
        senderJid: PETER,
        senderName: 'Peter',
        fromMe: false,
        text: 'new',
        timestamp: 1_700_000_123_456,
      },
    ]);
  });

  it('an edit is no later than the server says, whatever its writer’s clock shows', () => {
    const { inbound, listener } = rig();
    const content = { protocolMessage: { ...edit.protocolMessage, timestampMs: Number.MAX_SAFE_INTEGER } };
    inbound.take([message(content)]);
    expect(listener.changes).toMatchObject([{ timestamp: 1_700_000_123_999 }]);
  });

  it('a deletion is reported with its author', () => {
    const { inbound, listener } = rig();
    const content = { protocolMessage: { type: Type.REVOKE, key: { id: 'OLD', fromMe: false } } };
    const key = { remoteJid: GROUP, id: 'A1', participant: PETER };
    expect(inbound.take([message(content, { key })])).toHaveLength(1);
    expect(listener.changes).toMatchObject([{ kind: 'delete', chatJid: GROUP, id: 'OLD', senderJid: PETER }]);
  });

  it.each([
    ['👍', 'reacted 👍'],
    ['', 'took back a reaction'],
    [`x\n${'y'.repeat(99)}`, `reacted x ${'y'.repeat(38)}`],
  ])('a reaction %j is reported as context', (text, told) => {
    const { inbound, listener } = rig();
    inbound.take([message({ reactionMessage: { text, key: { id: 'OLD' } } })]);
    expect(listener.messages).toMatchObject([
      { id: 'A1', text: told, isContext: true, replyTo: { id: 'OLD' } },
    ]);
  });

  it('an act without a target or without new content is ignored', () => {
    const { inbound, listener } = rig();
    inbound.take([
      message({ protocolMessage: { type: Type.REVOKE, key: {} } }),
      message({ protocolMessage: { type: Type.MESSAGE_EDIT, key: { id: 'OLD' } } }),
      message({ reactionMessage: { text: '👍' } }),
    ]);
    expect([listener.messages, listener.changes]).toEqual([[], []]);
  });
});
