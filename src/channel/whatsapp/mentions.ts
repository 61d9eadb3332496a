import type { proto } from '@whiskeysockets/baileys';
import type { Contacts } from './contacts.ts';
import type { Identity } from './identity.ts';
import { bareUser, personAddress } from './jid.ts';

/** How many people one message may mention before the rest stay numbers. */
const MOST_MENTIONS = 1_000;

/** A text with those whom it mentions. */
export interface Mentioning {
  /** With names in the place of numbers, where they are known. */
  readonly text: string;
  readonly mentionsAssistant?: true;
  /** With the numbers, where they differ from `text`: a name that somebody chose may be any word. */
  readonly written?: string;
}

/** In a text a mention stands as `@` and the number or LID of the person, whom the context names. */
export function readMentions(
  text: string,
  context: proto.IContextInfo | undefined,
  identity: Identity,
  contacts: Contacts,
): Mentioning {
  const mentioned = (context?.mentionedJid ?? []).slice(0, MOST_MENTIONS);
  if (mentioned.length === 0) return { text };
  const names = new Map<string, string | undefined>();
  for (const jid of mentioned) {
    const person = identity.person(jid);
    if (person !== undefined) names.set(bareUser(jid), contacts.heard(person) ?? numberOf(person));
  }
  const shown = text.replace(/@(\d+)/g, (written, user: string) => {
    const name = names.get(user)?.replace(/\s+/g, ' ');
    return name === undefined ? written : `@${name}`;
  });
  return {
    text: shown,
    ...(shown !== text && { written: text }),
    ...(mentioned.some((jid) => identity.isOwner(jid)) && { mentionsAssistant: true }),
  };
}

/** Of somebody who was never heard from, a number says more than the LID that stands in the text. */
function numberOf(person: string): string | undefined {
  return personAddress(person)?.kind === 'phone' ? `+${bareUser(person)}` : undefined;
}
