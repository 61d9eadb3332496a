import { type PromptMessage, parsePrompt } from '../../../../../src/protocol/prompt.ts';

export interface AddressedRequests {
  /** What is asked, without the trigger; one or more, in the order in which it was asked. */
  readonly texts: readonly string[];
  readonly timezone: string | undefined;
}

const ANY_TRIGGER = /^\s*@[\p{L}\p{N}_]+[,:]?(?:\s+|$)/u;

function triggerOf(name: string): RegExp {
  const literal = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  // No \b: it takes letters outside ASCII for the end of a word.
  return new RegExp(`^\\s*@${literal}(?![\\p{L}\\p{N}_])[,:]?\\s*`, 'iu');
}

function thoseThatMatch(messages: readonly PromptMessage[], trigger: RegExp): readonly string[] | undefined {
  const matching = messages.filter((message) => trigger.test(message.text));
  return matching.length === 0 ? undefined : matching.map(({ text }) => text.replace(trigger, ''));
}

/** What a voice note says is its text, and the name that it begins with calls: nobody speaks an @. */
function asWritten(message: PromptMessage, byName: RegExp): PromptMessage {
  const spoken = message.attachments?.find(({ transcript }) => transcript !== undefined)?.transcript;
  if (spoken === undefined || message.text !== '') return message;
  const called = spoken.replace(/^[^\p{L}\p{N}]*/u, '@');
  return { ...message, text: byName.test(called) ? called : spoken };
}

/**
 * What a prompt asks for: the messages that call the assistant by its name, else those that call anybody (a group may
 * have a trigger of its own), else the last one. A prompt in no such form (a task's) is the request itself.
 */
export function addressedRequests(prompt: string, assistantName: string): AddressedRequests {
  const byName = triggerOf(assistantName);
  const { timezone, messages: all } = parsePrompt(prompt);
  const messages = all
    .filter(({ isContext }) => isContext !== true)
    .map((message) => asWritten(message, byName));
  const last = messages.at(-1);
  const texts =
    last === undefined
      ? [prompt.replace(/<context [^>]*\/>/, '').replace(byName, '')]
      : (thoseThatMatch(messages, byName) ?? thoseThatMatch(messages, ANY_TRIGGER) ?? [last.text]);
  return { texts: texts.map((text) => text.trim()), timezone };
}
