import type { InboundMessage } from '../channel/channel.ts';
import type { Standing } from './sender-rules.ts';

/** Whether a message calls the assistant. */

const SPECIAL = /[.*+?^${}()|[\]\\]/g;

/**
 * @param trigger what the text must begin with after trimming, in any case, followed by its end or by a character that is no
 *   letter, digit or underscore (in Unicode: `\b` fails for `@Zoë`)
 */
export function callsAssistant(text: string, trigger: string): boolean {
  return matches(text, trigger, '^');
}

/** Whether a text has the trigger as a word of its own anywhere. */
export function namesAssistant(text: string, trigger: string): boolean {
  return matches(text, trigger, String.raw`(?<![\p{L}\p{N}_])`);
}

/** @param before what must stand before the trigger, as a regular expression */
function matches(text: string, trigger: string, before: string): boolean {
  const word = trigger.trim().normalize('NFC').replace(SPECIAL, String.raw`\$&`);
  if (word === '') return false;
  return new RegExp(`${before}${word}(?![\\p{L}\\p{N}_])`, 'iu').test(text.trim().normalize('NFC'));
}

/**
 * Whether what is said in a voice note calls the assistant: nobody speaks an @, and transcribers put marks where they hear pauses.
 * @param trigger as the group has it, with or without an @
 */
export function callsAloud(words: string, trigger: string): boolean {
  const spoken = words.replace(/^[^\p{L}\p{N}@]+/u, '');
  return callsAssistant(spoken, trigger) || callsAssistant(spoken, trigger.trim().replace(/^@/, ''));
}

/** What of a message, or of its new text, decides whether it calls. */
export type Said = Pick<
  InboundMessage,
  'text' | 'fromMe' | 'mentionsAssistant' | 'beginsWithMention' | 'fromAssistant' | 'isContext'
>;

export interface Calling {
  readonly trigger: string;
  readonly standing: Standing;
  /** What every message of the assistant begins with on a number that it shares with the owner; undefined on its own. */
  readonly ownPrefix: string | undefined;
}

/**
 * Whether a message calls by its words, or by a mention of the account. On a shared number a mention means the owner, and
 * whoever is mentioned first may bear the trigger for a name.
 */
export function calls(said: Said, { trigger, ownPrefix }: Pick<Calling, 'trigger' | 'ownPrefix'>): boolean {
  if (said.mentionsAssistant && ownPrefix === undefined) return true;
  return !said.beginsWithMention && callsAssistant(said.text, trigger);
}

/** @returns why a message calls nobody, whatever it says; undefined: it may call */
export function silenceOf(
  said: Said,
  { standing, ownPrefix }: Pick<Calling, 'standing' | 'ownPrefix'>,
): string | undefined {
  if (said.isContext) return 'it only tells something';
  if (said.fromAssistant) return 'another assistant wrote it';
  if (said.fromMe && ownPrefix !== undefined && said.text.startsWith(ownPrefix))
    return 'the assistant wrote it, on another machine';
  return standing === 'allowed' ? undefined : 'its sender is not allowed';
}
