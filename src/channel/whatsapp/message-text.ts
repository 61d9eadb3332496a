import { normalizeMessageContent, type proto } from '@whiskeysockets/baileys';

/** What a message says in words. */
export interface MessageText {
  readonly text: string;
  readonly context: proto.IContextInfo | undefined;
}

/**
 * The text of a message, out of whatever wraps it (disappearing, view once, document with caption); a medium's caption
 * is its text. Undefined for what says nothing: protocol messages, edits, reactions, media without a caption.
 */
export function messageText(message: proto.IMessage | null | undefined): MessageText | undefined {
  // An edit wraps like the others, but it changes an old message and is no new one.
  if (!message || message.editedMessage) return undefined;
  const content = normalizeMessageContent(message);
  if (!content || content.protocolMessage || content.reactionMessage) return undefined;
  if (content.conversation) return { text: content.conversation, context: undefined };
  const extended = content.extendedTextMessage;
  if (extended?.text) return { text: extended.text, context: extended.contextInfo ?? undefined };
  for (const medium of [content.imageMessage, content.videoMessage, content.documentMessage]) {
    if (medium?.caption) return { text: medium.caption, context: medium.contextInfo ?? undefined };
  }
  return undefined;
}
