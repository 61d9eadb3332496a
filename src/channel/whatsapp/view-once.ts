import { type BinaryNode, cleanMessage, decodeMessageNode, type WAMessage } from '@whiskeysockets/baileys';
import type { Reader } from './plaintexts.ts';

/** The server has nothing more of a message for linked devices: it can be opened once, on the phone. */
const ONLY_ON_PHONE = 'view_once_unavailable_fanout';

/**
 * A message that the server only announces. Baileys acknowledges it and tells nobody (rc14); of an earlier form of the
 * announcement it makes a message like this one by itself.
 * @returns a message with nothing in it whose key says what it is; undefined: the stanza is another one
 */
export function announcedIn(node: BinaryNode, { id, lid = '' }: Reader): WAMessage | undefined {
  const { content } = node;
  const children = Array.isArray(content) ? content : [];
  if (!children.some(({ tag, attrs }) => tag === 'unavailable' && attrs.type === ONLY_ON_PHONE))
    return undefined;
  const message: WAMessage = decodeMessageNode(node, id, lid).fullMessage;
  message.key.isViewOnce = true;
  cleanMessage(message, id, lid);
  return message;
}
