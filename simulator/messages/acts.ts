import { proto } from '@whiskeysockets/baileys';

const { MESSAGE_EDIT, REVOKE } = proto.Message.ProtocolMessage.Type;

/** What a later act makes of a message: the message, and the stanza's `edit` attribute. */
export interface Act {
  message: proto.IMessage;
  edit?: '1' | '7' | '8';
}

/** The message with another text, or another caption. Undefined when it can have neither. */
export function withText(original: proto.IMessage, text: string): proto.IMessage | undefined {
  const { conversation, extendedTextMessage, imageMessage, videoMessage, documentMessage } = original;
  if (extendedTextMessage) return { extendedTextMessage: { ...extendedTextMessage, text } };
  if (typeof conversation === 'string') return { conversation: text };
  if (imageMessage) return { imageMessage: { ...imageMessage, caption: text } };
  if (videoMessage) return { videoMessage: { ...videoMessage, caption: text } };
  if (documentMessage) return { documentMessage: { ...documentMessage, caption: text } };
  return undefined;
}

/** May a phone edit this message? */
export function isEditable(original: proto.IMessage): boolean {
  return withText(original, '') !== undefined;
}

/** Other words for an unwrapped message; `key` names it as its author sees it. */
export function editOf(key: proto.IMessageKey, original: proto.IMessage, text: string, at: number): Act {
  const editedMessage = withText(original, text) ?? { conversation: text };
  const protocolMessage = { key, type: MESSAGE_EDIT, editedMessage, timestampMs: at };
  return { message: { editedMessage: { message: { protocolMessage } } }, edit: '1' };
}

/** The removal of a message for everybody; `key` names it as the one who removes it sees it. */
export function removalOf(key: proto.IMessageKey): Act {
  return { message: { protocolMessage: { key, type: REVOKE } }, edit: key.fromMe ? '7' : '8' };
}

/** A reaction; the empty one takes the last back. `key` names the message as the one who reacts sees it. */
export function reactionOf(key: proto.IMessageKey, emoji: string, at: number): Act {
  return { message: { reactionMessage: { key, text: emoji, senderTimestampMs: at } } };
}
