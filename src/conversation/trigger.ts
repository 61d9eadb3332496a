import type { InboundMessage } from '../channel/channel.ts';
import { afterMentions, afterTrigger, comparable } from '../protocol/trigger.ts';
import type { Standing } from './sender-rules.ts';

/** Whether a message calls the assistant. */

/** @param trigger what the text must begin with; `afterTrigger` says where it ends */
export function callsAssistant(text: string, trigger: string): boolean {
  return afterTrigger(text, trigger) !== undefined;
}

/** Whether a text has the trigger as a word of its own anywhere. */
export function namesAssistant(text: string, trigger: string): boolean {
  const said = comparable(text);
  const name = comparable(trigger);
  if (name === '') return false;
  for (let at = said.indexOf(name); at >= 0; at = said.indexOf(name, at + 1)) {
    const isInWord = /[\p{L}\p{M}\p{N}_]$/u.test(said.slice(Math.max(0, at - 2), at));
    if (!isInWord && callsAssistant(said.slice(at, at + 2 * name.length + 20), name)) return true;
  }
  return false;
}

/**
 * Whether what is said in a voice note calls the assistant: nobody speaks an @, and transcribers put marks where they hear pauses.
 * @param trigger as the group has it, with or without an @
 */
export function callsAloud(words: string, trigger: string): boolean {
  const spoken = words.replace(/^[^\p{L}\p{N}@]+/u, '');
  return callsAssistant(spoken, trigger) || callsAssistant(spoken, comparable(trigger).replace(/^@/, ''));
}

/** What of a message, or of its new text, decides whether it calls. */
export type Said = Pick<
  InboundMessage,
  'text' | 'written' | 'fromMe' | 'mentionsAssistant' | 'fromAssistant' | 'isContext'
>;

export interface Calling {
  readonly trigger: string;
  readonly standing: Standing;
  /** What every message of the assistant begins with on a number that it shares with the owner; undefined on its own. */
  readonly ownPrefix: string | undefined;
}

/**
 * Whether a message triggers by its words, or by a mention of the account. On a shared number a mention means the owner. The
 * trigger may stand behind mentions of others, whose names count for nothing: they may be the trigger itself.
 */
export function calls(said: Said, { trigger, ownPrefix }: Pick<Calling, 'trigger' | 'ownPrefix'>): boolean {
  if (said.mentionsAssistant && ownPrefix === undefined) return true;
  return afterMentions(said.written ?? said.text, trigger) !== undefined;
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
