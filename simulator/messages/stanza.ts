import type { BinaryNode, proto } from '@whiskeysockets/baileys';
import { normalizeMessageContent } from '@whiskeysockets/baileys';
import { mediaPart, pollPart } from './parts.ts';

/** What the stanza tells of a message that the server cannot read: on `<message>` and on each `<enc>`. */
export interface StanzaAttributes {
  message: BinaryNode['attrs'];
  enc: BinaryNode['attrs'];
}

function mediaType(message: proto.IMessage): string | undefined {
  const kind = mediaPart(message)?.kind;
  if (kind !== undefined) return kind === 'voice' ? 'ptt' : kind;
  if (message.contactMessage) return 'vcard';
  return message.locationMessage ? 'location' : undefined;
}

/** Says in attributes of what kind a message is, as phones do. */
export function stanzaAttributes(message: proto.IMessage): StanzaAttributes {
  const content = normalizeMessageContent(message) ?? {};
  if (content.reactionMessage) return { message: { type: 'reaction' }, enc: { 'decrypt-fail': 'hide' } };
  if (pollPart(content)) return { message: { type: 'poll' }, enc: {} };
  const mediatype = mediaType(content);
  if (mediatype !== undefined) return { message: { type: 'media' }, enc: { mediatype } };
  return { message: { type: 'text' }, enc: {} };
}
