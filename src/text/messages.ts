import type { OutgoingText, Quoted } from '../channel/channel.ts';
import { splitText } from './split.ts';

/**
 * A text as the messages that are sent for it, in order.
 * @param quoted what it answers; the first message quotes it
 */
export function textMessages(text: string, quoted?: Quoted): readonly OutgoingText[] {
  return splitText(text).map((part, index) => ({
    kind: 'text',
    text: part,
    ...(index === 0 && quoted !== undefined && { quoted }),
  }));
}

/** So much of a message is repeated where it is quoted: a phone shows a few lines of it. */
const LONGEST_QUOTE = 400;

/** A stored message as one that is quoted. */
export function quoteOf({ id, sender, text }: { id: string; sender: string; text: string }): Quoted {
  return { id, senderJid: sender, text: splitText(text, { length: LONGEST_QUOTE, parts: 2 })[0] ?? '' };
}
