import type { Directory } from '../accounts/directory.ts';
import { type Addressing, addressOf, type Person } from '../accounts/person.ts';

function userOf(jid: string): string {
  return jid.replace(/@.*/, '');
}

/** The text with what the wire has instead of the names of those who are mentioned. */
export function writeMentions(text: string, mentions: readonly Person[], addressing: Addressing): string {
  const longestFirst = [...mentions].sort((one, other) => other.name.length - one.name.length);
  return longestFirst.reduce(
    (written, person) => written.replaceAll(`@${person.name}`, `@${userOf(addressOf(person, addressing))}`),
    text,
  );
}

/** The text as phones show it, with names, and the phone-number JIDs of those who are mentioned. */
export function readMentions(
  directory: Directory,
  text: string,
  mentioned: readonly string[],
): { text: string; mentions?: readonly string[] } {
  if (mentioned.length === 0) return { text };
  let shown = text;
  const mentions = mentioned.map((jid) => {
    const person = directory.find(jid);
    if (person) shown = shown.replaceAll(`@${userOf(jid)}`, `@${person.name}`);
    return person?.jid ?? jid;
  });
  return { text: shown, mentions };
}
