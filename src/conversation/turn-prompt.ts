import { parseInstant } from '../clock.ts';
import { boundaryBefore } from '../protocol/graphemes.ts';
import {
  fitEscaped,
  formatMessage,
  formatPrompt,
  type PromptAttachment,
  type PromptMessage,
  type QuotedMessage,
} from '../protocol/prompt.ts';
import { formatLocal } from '../schedule/schedule.ts';
import type { StoredMessage } from '../store/messages.ts';

/** At most this many messages ahead of the first one that calls, and this many from that one on. */
export const MESSAGE_CAP = { before: 100, from: 200 } as const;

/**
 * A prompt has at most this many characters, as it is written: escaped, with quotes, files and transcripts.
 */
export const CHARACTER_CAP = 200_000;

/**
 * At most this many characters of one message, escaped: as many as a phone lets one write, and as many of
 * what is said in its voice notes; of what it quotes; of a name. Together they stay below the cap.
 */
const LONGEST = { text: 65_536, transcript: 65_536, quote: 4_000, name: 500 } as const;

/** Longer than what stands around the messages of a prompt. */
const FRAME_CHARACTERS = 500;

/** A prompt, and which messages stand in it. */
export interface FittedPrompt {
  readonly shown: readonly StoredMessage[];
  /** @param earlierLeftOut how many messages before those shown are left out */
  readonly text: (earlierLeftOut: number) => string;
}

/**
 * The prompt of a turn that answers people, from those messages that fit into it: context gives way before
 * messages that trigger. What is left out behind the last one taken waits for the next turn.
 * @param firstSeq the first message that triggers; it is always shown
 * @param attachments the files that came with messages, by the messages' `seq`
 * @param quotations what messages quote, likewise
 * @param cap characters of the whole prompt
 */
export function fitPrompt(
  messages: readonly StoredMessage[],
  firstSeq: number,
  timezone: string,
  attachments: ReadonlyMap<number, readonly PromptAttachment[]>,
  quotations: ReadonlyMap<number, QuotedMessage>,
  cap = CHARACTER_CAP,
): FittedPrompt {
  const all = messages.map((stored) => ({
    stored,
    message: promptMessage(stored, timezone, attachments, quotations.get(stored.seq)),
  }));
  const fromFirst: typeof all = [];
  const before: typeof all = [];
  let used = FRAME_CHARACTERS;
  for (const each of all.filter(({ stored }) => stored.seq >= firstSeq)) {
    used += formatMessage(each.message).length + 1;
    if (used > cap && fromFirst.length > 0) break;
    fromFirst.push(each);
  }
  for (const each of all.filter(({ stored }) => stored.seq < firstSeq).reverse()) {
    used += formatMessage(each.message).length + 1;
    if (used > cap) break;
    before.unshift(each);
  }
  const taken = [...before, ...fromFirst];
  return {
    shown: taken.map(({ stored }) => stored),
    text: (earlierLeftOut) =>
      formatPrompt(
        taken.map(({ message }) => message),
        timezone,
        earlierLeftOut,
      ),
  };
}

function cut(text: string, most: number): string {
  const fits = fitEscaped(text, most);
  if (fits === text.length) return text;
  const end = boundaryBefore(text, fits);
  return `${text.slice(0, end)}… [cut: ${text.length - end} more characters]`;
}

function promptMessage(
  message: StoredMessage,
  timezone: string,
  attachments: ReadonlyMap<number, readonly PromptAttachment[]>,
  quoted: QuotedMessage | undefined,
): PromptMessage {
  const isDeleted = message.deletedAt !== null;
  return {
    sender: cut(message.senderName, LONGEST.name),
    time: formatLocal(parseInstant(message.timestamp), timezone),
    id: message.id,
    text: isDeleted ? '[deleted]' : cut(message.text, LONGEST.text),
    // What is from the account and triggers nothing may be another assistant's.
    ...(message.isFromMe === 1 && message.isContext === 0 && { isOwner: true }),
    ...(message.isContext === 1 && { isContext: true }),
    attachments: isDeleted ? undefined : cutAttachments(attachments.get(message.seq)),
    replyTo: message.replyToId ?? undefined,
    quoted: quoted && {
      ...quoted,
      from: cut(quoted.from, LONGEST.name),
      text: cut(quoted.text, LONGEST.quote),
    },
    edited: message.editOf !== null,
  };
}

/** All transcripts of a message share what one may have. */
function cutAttachments(
  attachments: readonly PromptAttachment[] | undefined,
): readonly PromptAttachment[] | undefined {
  let left: number = LONGEST.transcript;
  return attachments?.map((attachment) => {
    if (attachment.transcript === undefined) return attachment;
    const transcript = cut(attachment.transcript, left);
    left = Math.max(0, left - transcript.length);
    return { ...attachment, transcript };
  });
}

/** The prompt of a task's run. */
export function taskPrompt(prompt: string, timezone: string): string {
  return `<context timezone="${timezone}" />\n${prompt}`;
}
