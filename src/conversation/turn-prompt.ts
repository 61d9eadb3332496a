import { formatPrompt } from '../protocol/prompt.ts';
import { formatLocal } from '../schedule/schedule.ts';
import type { StoredMessage } from '../store/messages.ts';

/** At most this many messages ahead of the first one that calls, and this many from that one on. */
export const MESSAGE_CAP = { before: 100, from: 200 } as const;

/** At most this many characters of messages in one prompt; one message alone may be longer. */
export const CHARACTER_CAP = 200_000;

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
  return message.text.length + (message.replyToText?.length ?? 0);
}

/** The prompt of a turn that answers people. */
export function chatPrompt(messages: readonly StoredMessage[], timezone: string): string {
  return formatPrompt(
    messages.map((message) => ({
      sender: message.senderName,
      time: formatLocal(Date.parse(message.timestamp), timezone),
      id: message.id,
      text: message.text,
      replyTo: message.replyToId ?? undefined,
      quoted:
        message.replyToText === null
          ? undefined
          : { from: message.replyToName ?? 'somebody', text: message.replyToText },
    })),
    timezone,
  );
}

/** The prompt of a task's run. */
export function taskPrompt(prompt: string, timezone: string): string {
  return `<context timezone="${timezone}" />\n${prompt}`;
}
