import { getContentType, normalizeMessageContent, proto } from '@whiskeysockets/baileys';
import { contextPart, mediaPart, pollPart } from './parts.ts';
import type { MediaKind } from './saying.ts';

const { MESSAGE_EDIT, REVOKE } = proto.Message.ProtocolMessage.Type;

/** How a message names an earlier one: who wrote it stands there for what others said in a group. */
interface Naming {
  id: string;
  participant?: string;
}

/** What a message makes of the line with that name. */
export type LaterAct = Naming &
  (
    | { act: 'edit'; text: string; mentioned: readonly string[] }
    | { act: 'removal' }
    | { act: 'reaction'; emoji: string }
  );

/** What a phone makes of a message. */
export type Reading =
  | { act: 'line'; text: string; quoted?: Naming; mentioned: readonly string[] }
  | LaterAct
  /** Nothing to see: keys, settings and such. */
  | { act: 'none' };

const LABELS: Readonly<Record<MediaKind, string>> = {
  image: 'image',
  video: 'video',
  audio: 'audio',
  voice: 'voice message',
  document: 'document',
  sticker: 'sticker',
};

/** The message without what it is packed in: copies to the own phone, expiry, view once and the like. */
export function unwrap(message: proto.IMessage): proto.IMessage {
  return normalizeMessageContent(message.deviceSentMessage?.message ?? message) ?? {};
}

/** The name of its content in the protocol, for the wire log. */
export function contentType(message: proto.IMessage): string {
  return getContentType(message) ?? 'nothing';
}

function labelOf(what: string, detail: string | null | undefined): string {
  return detail ? `[${what}: ${detail}]` : `[${what}]`;
}

/** Words for an unwrapped message; undefined for what is no chat line. */
function wordsOf(message: proto.IMessage): string | undefined {
  const text = message.conversation ?? message.extendedTextMessage?.text;
  if (typeof text === 'string') return text;
  const media = mediaPart(message);
  if (media) {
    const caption = 'caption' in media.part ? media.part.caption : undefined;
    const fileName = 'fileName' in media.part ? media.part.fileName : undefined;
    return caption || labelOf(LABELS[media.kind], fileName);
  }
  const poll = pollPart(message);
  if (poll) {
    const options = (poll.options ?? []).map(({ optionName }) => optionName ?? '');
    return labelOf('poll', `${poll.name ?? ''} ${options.join(' / ')}`.trim());
  }
  const { contactMessage, contactsArrayMessage, locationMessage, liveLocationMessage } = message;
  if (contactMessage) return labelOf('contact', contactMessage.displayName);
  if (contactsArrayMessage) return labelOf('contacts', contactsArrayMessage.displayName);
  if (locationMessage) {
    const { name, address, degreesLatitude, degreesLongitude } = locationMessage;
    return labelOf('location', name || address || `${degreesLatitude}, ${degreesLongitude}`);
  }
  return liveLocationMessage ? labelOf('live location', undefined) : undefined;
}

/** Reads an unwrapped message as a phone does. */
export function read(message: proto.IMessage): Reading {
  const { reactionMessage, protocolMessage } = message;
  if (reactionMessage) {
    return { act: 'reaction', ...namingIn(reactionMessage.key), emoji: reactionMessage.text ?? '' };
  }
  if (protocolMessage) {
    const named = namingIn(protocolMessage.key);
    if (protocolMessage.type === REVOKE) return { act: 'removal', ...named };
    if (protocolMessage.type !== MESSAGE_EDIT) return { act: 'none' };
    const edited = unwrap(protocolMessage.editedMessage ?? {});
    return {
      act: 'edit',
      ...named,
      text: wordsOf(edited) ?? '',
      mentioned: contextPart(edited)?.mentionedJid ?? [],
    };
  }
  const text = wordsOf(message);
  if (text === undefined) return { act: 'none' };
  const context = contextPart(message);
  const { stanzaId, participant, mentionedJid } = context ?? {};
  const quoted = stanzaId ? namingIn({ id: stanzaId, participant: participant ?? null }) : undefined;
  return { act: 'line', text, ...(quoted && { quoted }), mentioned: mentionedJid ?? [] };
}

function namingIn(key: proto.IMessageKey | null | undefined): Naming {
  return { id: key?.id ?? '', ...(key?.participant && { participant: key.participant }) };
}
