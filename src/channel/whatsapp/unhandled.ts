import { type BinaryNode, buildAckStanza, isJidMetaAI } from '@whiskeysockets/baileys';

/**
 * The answer to a stanza that concerns nobody here and that Baileys (rc14) gets wrong. Undefined for all others.
 *
 * - A message to or from Meta AI or another bot. Baileys takes what the owner writes to one for a message in the chat
 *   with themselves; and a receipt that does not name the bot makes WhatsApp bring the message again for weeks.
 * - A status, where it comes as a stanza of that name: Baileys does not know it, and WhatsApp brings it again and cuts the
 *   connection while it waits for its ack.
 *
 * Neither is decrypted: a ratchet may skip messages.
 */
export function answerUnhandled(node: BinaryNode, meId: string | undefined): BinaryNode | undefined {
  const { tag, attrs } = node;
  if (tag === 'status') return buildAckStanza(node, undefined, meId);
  if (tag !== 'message' || !(isJidMetaAI(attrs.recipient) || isJidMetaAI(attrs.from))) return undefined;
  const { id = '', from = '', recipient } = attrs;
  const toBot = recipient !== undefined && { recipient };
  return { tag: 'receipt', attrs: { id, to: from, type: toBot ? 'sender' : 'inactive', ...toBot } };
}
