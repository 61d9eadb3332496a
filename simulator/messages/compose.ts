import { randomBytes } from 'node:crypto';
import { proto } from '@whiskeysockets/baileys';
import { type Addressing, addressOf, type Person } from '../accounts/person.ts';
import type { Timer } from '../server/timers.ts';
import { writeMentions } from './mentions.ts';
import { BadSaying, type Saying, type Wrap } from './saying.ts';

const CONTENTS = ['text', 'media', 'contact', 'location', 'poll', 'message'] as const;
const SECRET_BYTES = 32;
/** What disappearing messages are set to by default. */
const WEEK_SECONDS = 7 * 24 * 60 * 60;

/** What a message refers to, looked up before. */
export interface References {
  addressing: Addressing;
  quoted?: { id: string; author: Person; message: proto.IMessage };
  /** The file, once it is uploaded: a message with nothing but its part, without context. */
  uploaded?: proto.IMessage;
  /** The chat's timer, which every message names. */
  timer?: Timer;
}

/** Throws BadSaying when it is not exactly one thing that is said. */
export function assertOneThing(saying: Saying): void {
  const given = CONTENTS.filter((content) => saying[content] !== undefined);
  if (given.length === 1) return;
  const found = given.length === 0 ? 'nothing' : given.join(' and ');
  throw new BadSaying(
    `This says ${found}: give exactly one of ${CONTENTS.join(', ')} (a file's text is its caption).`,
  );
}

function contextOf(saying: Saying, references: References): { contextInfo?: proto.IContextInfo } {
  const { addressing, quoted, timer } = references;
  const contextInfo: proto.IContextInfo = {
    ...(quoted && {
      stanzaId: quoted.id,
      participant: addressOf(quoted.author, addressing),
      quotedMessage: quoted.message,
    }),
    ...(saying.mentions?.length && {
      mentionedJid: saying.mentions.map((person) => addressOf(person, addressing)),
    }),
    ...(timer && timer.seconds > 0 && timerContext(timer)),
    ...(saying.wrap === 'ephemeral' && { expiration: WEEK_SECONDS }),
  };
  return Object.keys(contextInfo).length > 0 ? { contextInfo } : {};
}

function timerContext({ seconds, at }: Timer): proto.IContextInfo {
  return { expiration: seconds, ephemeralSettingTimestamp: Math.floor(at / 1000) };
}

/** The message by which a phone sets the timer of a direct chat. */
export function timerSetting({ seconds, at }: Timer): proto.IMessage {
  return {
    protocolMessage: {
      type: proto.Message.ProtocolMessage.Type.EPHEMERAL_SETTING,
      ephemeralExpiration: seconds,
      ephemeralSettingTimestamp: Math.floor(at / 1000),
    },
  };
}

function vcard({ name, number }: { name: string; number: string }): string {
  const digits = number.replace(/\D/g, '');
  const tel = `TEL;type=CELL;type=VOICE;waid=${digits}:+${digits}`;
  return ['BEGIN:VCARD', 'VERSION:3.0', `N:;${name};;;`, `FN:${name}`, tel, 'END:VCARD'].join('\n');
}

function content(saying: Saying, references: References): proto.IMessage {
  const context = contextOf(saying, references);
  const { text, contact, location, poll, message } = saying;
  if (message) return message;
  if (references.uploaded) {
    const once = saying.wrap?.startsWith('viewOnce') && { viewOnce: true };
    return Object.fromEntries(
      Object.entries(references.uploaded).map(([kind, part]) => [kind, { ...part, ...once, ...context }]),
    );
  }
  if (contact) return { contactMessage: { displayName: contact.name, vcard: vcard(contact), ...context } };
  if (location) {
    const { latitude, longitude, name, address } = location;
    const place = { degreesLatitude: latitude, degreesLongitude: longitude };
    return {
      locationMessage: { ...place, ...(name && { name }), ...(address && { address }), ...context },
    };
  }
  if (poll) {
    return {
      messageContextInfo: { messageSecret: randomBytes(SECRET_BYTES) },
      pollCreationMessageV3: {
        name: poll.question,
        options: poll.options.map((optionName) => ({ optionName })),
        selectableOptionsCount: 0,
        ...context,
      },
    };
  }
  const written = writeMentions(text ?? '', saying.mentions ?? [], references.addressing);
  return context.contextInfo
    ? { extendedTextMessage: { text: written, ...context } }
    : { conversation: written };
}

function wrapped(message: proto.IMessage, wrap: Wrap | undefined): proto.IMessage {
  switch (wrap) {
    case 'ephemeral':
      return { ephemeralMessage: { message } };
    case 'viewOnce':
      return { viewOnceMessage: { message } };
    case 'viewOnceV2':
      return { viewOnceMessageV2: { message } };
    case 'documentWithCaption':
      return { documentWithCaptionMessage: { message } };
    default:
      return message;
  }
}

/** Writes a saying as the message that a phone encrypts. */
export function compose(saying: Saying, references: References): proto.IMessage {
  return wrapped(content(saying, references), saying.wrap);
}
