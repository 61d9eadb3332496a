import type { InboundQuote } from '../channel/channel.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { Store } from '../store/store.ts';

/**
 * Whether a reply triggers the assistant: it quotes a message that this assistant has sent to the same chat, and the chat is not
 * set otherwise. What the owner has typed on the phone, and what another instance wrote, is no message of this one.
 * @param replyTo what the message quotes; undefined: nothing
 */
export function triggersByReply(
  store: Store,
  { jid, containerConfig }: Pick<RegisteredGroup, 'jid' | 'containerConfig'>,
  replyTo: Pick<InboundQuote, 'id' | 'senderJid'> | undefined,
): boolean {
  if (replyTo === undefined || containerConfig.replyTriggers === false) return false;
  const sent = store.outbox.findByWireId(replyTo.id);
  if (sent === undefined || sent.chatJid !== jid || sent.message.kind === 'reaction') return false;
  const account = store.state.get('account');
  if (replyTo.senderJid === undefined || account === undefined) return true;
  return store.samePerson.current(replyTo.senderJid) === store.samePerson.current(account);
}
