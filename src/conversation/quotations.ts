import { wordsOf } from '../channel/channel.ts';
import type { QuotedMessage } from '../protocol/prompt.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { Store } from '../store/store.ts';

/** A quoted message as the database has it. */
export interface Original {
  readonly senderName: string;
  readonly text: string;
  /** Undefined: somebody else than the owner and this assistant. */
  readonly author: QuotedMessage['author'];
  /** Absent: the assistant's own. */
  readonly stored?: StoredMessage | undefined;
}

/**
 * The message of an id in a chat: a quotation itself is whatever its writer says. Of several with that id, the assistant's own comes
 * first and then the one that was stored first: ids are chosen by those who write.
 * @returns the text as it is now; undefined when the database does not have the message
 */
export function originalOf(store: Store, chatJid: string, id: string): Original | undefined {
  const sent = store.outbox.findByWireId(id);
  if (sent?.chatJid === chatJid)
    return { senderName: 'the assistant', text: wordsOf(sent.message), author: 'assistant' };
  const versions = store.messages.versions(chatJid, id);
  const first = versions[0];
  const stored = versions.filter(({ sender }) => sender === first?.sender).at(-1);
  if (first === undefined || stored === undefined) return undefined;
  const { senderName, text } = stored;
  // What is from the account and triggers nothing may be another assistant's.
  const isOwner = first.isFromMe === 1 && first.isContext === 0;
  return { senderName, text, author: isOwner ? 'owner' : undefined, stored };
}

/**
 * What messages quote, by the messages' `seq`. A quotation of a message that the database does not have is shown as unverified, and
 * under no name: its writer chose the author, whose name may be anybody's.
 */
export function quotationsOf(
  store: Store,
  chatJid: string,
  messages: readonly StoredMessage[],
): ReadonlyMap<number, QuotedMessage> {
  return new Map(
    messages.flatMap((message) => {
      const quoted = quotationOf(store, chatJid, message);
      return quoted === undefined ? [] : [[message.seq, quoted]];
    }),
  );
}

function quotationOf(
  store: Store,
  chatJid: string,
  { editOf, replyToId, replyToName, replyToText }: StoredMessage,
): QuotedMessage | undefined {
  if (replyToText === null || (replyToText === '' && !replyToName)) return undefined;
  // What an edited message was before is the host's own record.
  if (editOf !== null) return { from: replyToName ?? 'somebody', text: replyToText };
  const original = replyToId === null ? undefined : originalOf(store, chatJid, replyToId);
  if (original === undefined) return { from: 'unknown', text: replyToText, isUnverified: true };
  const { senderName, text, author, stored } = original;
  const isHidden = replyToText === '' || stored?.deletedAt != null;
  return { from: senderName, text: isHidden ? '' : text, author };
}
