import { formatPrompt, type PromptAttachment, type QuotedMessage } from '../protocol/prompt.ts';
import { formatLocal } from '../schedule/schedule.ts';
import type { StoredMessage } from '../store/messages.ts';

/** At most this many messages ahead of the first one that calls, and this many from that one on. */
export const MESSAGE_CAP = { before: 100, from: 200 } as const;

/** At most this many characters of messages in one prompt. */
export const CHARACTER_CAP = 200_000;

/** At most this many characters of one message: as many as a phone lets one write. And of what it quotes. */
const LONGEST = { text: 65_536, quote: 4_000 } as const;

/**
 * The messages that fit into one prompt: context gives way before messages that call. What is left out behind the last
 * one taken waits for the next turn.
 */
export function takeWhatFits(
  messages: readonly StoredMessage[],
  firstSeq: number,
  cap: number,
): readonly StoredMessage[] {
  const fromFirst: StoredMessage[] = [];
  let used = 0;
  for (const message of messages.filter(({ seq }) => seq >= firstSeq)) {
    used += lengthOf(message);
    if (used > cap && fromFirst.length > 0) return fromFirst;
    fromFirst.push(message);
  }
  const before: StoredMessage[] = [];
  for (const message of messages.filter(({ seq }) => seq < firstSeq).reverse()) {
    used += lengthOf(message);
    if (used > cap) break;
    before.unshift(message);
  }
  return [...before, ...fromFirst];
}

function lengthOf(message: StoredMessage): number {
  const quote = message.replyToText?.length ?? 0;
  return Math.min(message.text.length, LONGEST.text) + Math.min(quote, LONGEST.quote);
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Half of a character that takes two would be no text any more.
  const end = /[\uD800-\uDBFF]/.test(text.charAt(most - 1)) ? most - 1 : most;
  return `${text.slice(0, end)}… [cut: ${text.length - end} more characters]`;
}

/**
 * The prompt of a turn that answers people.
 * @param attachments the files that came with messages, by the messages' `seq`
 */
export function chatPrompt(
  messages: readonly StoredMessage[],
  timezone: string,
  attachments: ReadonlyMap<number, readonly PromptAttachment[]>,
): string {
  return formatPrompt(
    messages.map((message) => ({
      sender: message.senderName,
      time: formatLocal(Date.parse(message.timestamp), timezone),
      id: message.id,
      text: message.deletedAt === null ? cut(message.text, LONGEST.text) : '[deleted]',
      // What is from the account and calls nobody may be another assistant's.
      ...(message.isFromMe === 1 && message.isContext === 0 && { isOwner: true }),
      ...(message.isContext === 1 && { isContext: true }),
      attachments: message.deletedAt === null ? attachments.get(message.seq) : undefined,
      replyTo: message.replyToId ?? undefined,
      quoted: quoteOf(message),
      edited: message.editOf !== null,
    })),
    timezone,
  );
}

function quoteOf({ replyToName, replyToText }: StoredMessage): QuotedMessage | undefined {
  if (replyToText === null || (replyToText === '' && !replyToName)) return undefined;
  return { from: replyToName ?? 'somebody', text: cut(replyToText, LONGEST.quote) };
}

/** The prompt of a task's run. */
export function taskPrompt(prompt: string, timezone: string): string {
  return `<context timezone="${timezone}" />\n${prompt}`;
}
