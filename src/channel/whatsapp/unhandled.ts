import { areJidsSameUser, type BinaryNode, buildAckStanza, isJidMetaAI } from '@whiskeysockets/baileys';
import type { OwnerAddress } from './identity.ts';
import { isBroadcastList } from './jid.ts';

/**
 * The answer to a stanza that concerns nobody here and that Baileys (rc14) gets wrong. Undefined for all others.
 *
 * - A message to or from Meta AI or another bot. Baileys takes what the owner writes to one for a message in the chat
 *   with themselves; and a receipt that does not name the bot makes WhatsApp bring the message again for weeks.
 * - A status, where it comes as a stanza of that name: Baileys does not know it, and WhatsApp brings it again and cuts the
 *   connection while it waits for its ack.
 * - What the owner sends to a broadcast list. Under the owner's LID Baileys takes it for another's, and its receipt says so.
 *
 * None of them is decrypted: a ratchet may skip messages.
 */
export function answerUnhandled(node: BinaryNode, me: OwnerAddress | undefined): BinaryNode | undefined {
  const { tag, attrs } = node;
  if (tag === 'status') return buildAckStanza(node, undefined, me?.id);
  if (tag === 'message' && isBroadcastList(attrs.from) && isOwn(attrs.participant, me)) {
    const { id = '', from = '', participant = '' } = attrs;
    return { tag: 'receipt', attrs: { id, to: from, participant, type: 'sender' } };
  }
  if (tag !== 'message' || !(isJidMetaAI(attrs.recipient) || isJidMetaAI(attrs.from))) return undefined;
  const { id = '', from = '', recipient } = attrs;
  const toBot = recipient !== undefined && { recipient };
  return { tag: 'receipt', attrs: { id, to: from, type: toBot ? 'sender' : 'inactive', ...toBot } };
}

function isOwn(jid: string | undefined, me: OwnerAddress | undefined): boolean {
  return [me?.id, me?.lid].some((own) => own !== undefined && areJidsSameUser(jid, own));
}
