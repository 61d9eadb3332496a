import { proto, toNumber } from '@whiskeysockets/baileys';
import { cutText } from '../../protocol/graphemes.ts';
import { unwrap } from './unwrap.ts';

const { Type } = proto.Message.ProtocolMessage;
const PINNED = proto.Message.PinInChatMessage.Type.PIN_FOR_ALL;
/** An emoji of a family with skin tones is long; a text in an emoji's place is longer. */
const LONGEST_EMOJI = 40;

/**
 * What a message does to an earlier one, which `target` names as its writer saw it.
 * - `edit`: `message` is said instead. `at` is in milliseconds since the epoch, if it is told.
 * - `delete`: it is taken back.
 * - `tells`: nothing changes; somebody reacts to it, say, and `text` says so.
 */
export type Act =
  | {
      readonly kind: 'edit';
      readonly target: proto.IMessageKey;
      readonly message: proto.IMessage;
      at?: number;
    }
  | { readonly kind: 'delete'; readonly target: proto.IMessageKey }
  | { readonly kind: 'tells'; readonly target: proto.IMessageKey; readonly text: string };

/** Undefined: the message stands for itself. */
export function actOf(message: proto.IMessage | null | undefined): Act | undefined {
  const content = unwrap(message);
  if (content === undefined) return undefined;
  const { protocolMessage, reactionMessage, encReactionMessage, pinInChatMessage, encEventResponseMessage } =
    content;
  if (protocolMessage) return protocolAct(protocolMessage);
  if (reactionMessage?.key) {
    const emoji = cutText((reactionMessage.text ?? '').replace(/\s+/g, ' ').trim(), LONGEST_EMOJI);
    return tells(reactionMessage.key, emoji ? `reacted ${emoji}` : 'took back a reaction');
  }
  if (encReactionMessage?.targetMessageKey)
    return tells(encReactionMessage.targetMessageKey, '[a reaction, which cannot be shown here]');
  if (pinInChatMessage?.key)
    return tells(
      pinInChatMessage.key,
      pinInChatMessage.type === PINNED ? 'pinned this message' : 'unpinned this message',
    );
  if (encEventResponseMessage?.eventCreationMessageKey)
    return tells(
      encEventResponseMessage.eventCreationMessageKey,
      '[an answer to an event, which cannot be shown here]',
    );
  return undefined;
}

function protocolAct({
  type,
  key,
  editedMessage,
  timestampMs,
}: proto.Message.IProtocolMessage): Act | undefined {
  if (!key?.id) return undefined;
  if (type === Type.REVOKE) return { kind: 'delete', target: key };
  if (type !== Type.MESSAGE_EDIT || !editedMessage) return undefined;
  const at = toNumber(timestampMs);
  return { kind: 'edit', target: key, message: editedMessage, ...(at > 0 && { at }) };
}

function tells(target: proto.IMessageKey, text: string): Act | undefined {
  return target.id ? { kind: 'tells', target, text } : undefined;
}
