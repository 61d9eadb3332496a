import type { proto } from '@whiskeysockets/baileys';
import { trimmed } from '../../protocol/trigger.ts';
import type { Contacts } from './contacts.ts';
import type { Identity } from './identity.ts';
import { bareUser } from './jid.ts';

/** How many people one message may mention before the rest stay numbers. */
const MOST_MENTIONS = 1_000;

/** A text with those whom it mentions. */
export interface Mentioning {
  /** With names in the place of numbers, where they are known. */
  readonly text: string;
  readonly mentionsAssistant?: true;
  /** It begins with a name: one that somebody chose, and that may be any word. */
  readonly beginsWithMention?: true;
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
    if (person !== undefined) names.set(bareUser(jid), contacts.heard(person));
  }
  const first = /^[@＠](\d+)/.exec(trimmed(text))?.[1];
  return {
    text: text.replace(/@(\d+)/g, (written, user: string) => {
      const name = names.get(user)?.replace(/\s+/g, ' ');
      return name === undefined ? written : `@${name}`;
    }),
    ...(mentioned.some((jid) => identity.isOwner(jid)) && { mentionsAssistant: true }),
    ...(first !== undefined && names.has(first) && { beginsWithMention: true }),
  };
}
