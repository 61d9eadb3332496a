import type { FileKind, Outgoing } from '../channel/channel.ts';

/** How the assistant shows who speaks. */
export interface Presentation {
  readonly assistantName: string;
  /** False: it shares the owner's number, and its messages say that they are the assistant's. */
  readonly ownNumber: boolean;
}

/** What every text of the assistant begins with; undefined: nothing. */
export function namePrefix({ assistantName, ownNumber }: Presentation): string | undefined {
  return ownNumber ? undefined : `${assistantName}: `;
}

/** What goes to the wire for a message of the outbox. Peers may ask for it again: the same row gives the same text as long as the name is the same. */
export function present(message: Outgoing, presentation: Presentation): Outgoing {
  const prefix = namePrefix(presentation);
  if (prefix === undefined) return message;
  switch (message.kind) {
    case 'text':
      return { ...message, text: named(prefix, message.text) };
    case 'file':
      return HAS_CAPTION[message.as]
        ? { ...message, caption: named(prefix, message.caption ?? '📎') }
        : message;
    case 'reaction':
      return message;
  }
}

/** A phone shows no words under a recording. */
const HAS_CAPTION = {
  image: true,
  video: true,
  document: true,
  audio: false,
  voice: false,
} as const satisfies Record<FileKind, boolean>;

/** What its first line makes a heading, a list, a table, a quotation or code begins on a line of its own. */
const BLOCK_START = /^(?:#{1,6}\s|[-*+]\s|\d{1,9}[.)]\s|>|\||```|~~~)/;

function named(prefix: string, text: string): string {
  return BLOCK_START.test(text) ? `${prefix.trimEnd()}\n${text}` : prefix + text;
}
