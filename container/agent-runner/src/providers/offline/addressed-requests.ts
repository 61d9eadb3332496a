import { type PromptMessage, parsePrompt } from '../../../../../src/protocol/prompt.ts';
import { afterMentions, trimmed } from '../../../../../src/protocol/trigger.ts';

export interface AddressedRequests {
  /** What is asked, without the trigger; one or more, in the order in which it was asked. */
  readonly texts: readonly string[];
  readonly timezone: string | undefined;
}

const ANY_TRIGGER = /^[@＠][\p{L}\p{M}\p{N}_\p{Join_Control}-]+[,:，：]?(?:\s+|$)/u;

/** What a text asks, without the trigger; undefined: it does not begin with one. */
type Asked = (text: string) => string | undefined;

const byName =
  (name: string): Asked =>
  (text) => {
    const rest = afterMentions(text, `@${name}`);
    return rest === undefined ? undefined : trimmed(rest).replace(/^[,:，：、]/, '');
  };

const byAnyTrigger: Asked = (text) => {
  const start = trimmed(text);
  return ANY_TRIGGER.test(start) ? start.replace(ANY_TRIGGER, '') : undefined;
};

function thoseThatMatch(messages: readonly PromptMessage[], asked: Asked): readonly string[] | undefined {
  const matching = messages.flatMap(({ text }) => asked(text) ?? []);
  return matching.length === 0 ? undefined : matching;
}

/** What a voice note says is its text, and the name that it begins with calls: nobody speaks an @. */
function asWritten(message: PromptMessage, asked: Asked): PromptMessage {
  const spoken = message.attachments?.find(({ transcript }) => transcript !== undefined)?.transcript;
  if (spoken === undefined || message.text !== '') return message;
  const called = spoken.replace(/^[^\p{L}\p{N}]*/u, '@');
  return { ...message, text: asked(called) === undefined ? spoken : called };
}

/**
 * What a prompt asks for: the messages that call the assistant by its name, else those that call anybody (a group may
 * have a trigger of its own), else the last one. A prompt in no such form (a task's) is the request itself.
 */
export function addressedRequests(prompt: string, assistantName: string): AddressedRequests {
  const asked = byName(assistantName);
  const { timezone, messages: all } = parsePrompt(prompt);
  const messages = all
    .filter(({ isContext }) => isContext !== true)
    .map((message) => asWritten(message, asked));
  const last = messages.at(-1);
  const task = prompt.replace(/<context [^>]*\/>/, '');
  const texts =
    last === undefined
      ? [asked(task) ?? task]
      : (thoseThatMatch(messages, asked) ?? thoseThatMatch(messages, byAnyTrigger) ?? [last.text]);
  return { texts: texts.map(trimmed), timezone };
}
