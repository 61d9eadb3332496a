import { casual } from 'chrono-node/en';
import { WEEKDAYS } from './local-time.ts';
import type { Schedule, When } from './schedule.ts';
import { readWhen } from './schedule-phrase.ts';

/** What a request for a reminder says; a question where it leaves something open, and nothing is to be set. */
export type ReminderRequest =
  | {
      readonly what: string;
      readonly schedule: Schedule;
      /** The task that is given the schedule; undefined: a new one. */
      readonly taskId?: string | undefined;
    }
  | {
      readonly question: string;
      /** What to remind of, where the question is about the time. */
      readonly what?: string | undefined;
      /** What is said of the day already, where the answer can be a time of day alone. */
      readonly open?: string | undefined;
      /** The times that the question names, as whole phrases. */
      readonly choices?: readonly string[] | undefined;
      /** Where the question is of what to remind: the time. */
      readonly at?: string | undefined;
      readonly taskId?: string | undefined;
    };

/** A task's prompt, in words that any agent understands, should the agent be changed before it is due. */
export const REMINDER_PROMPT = 'Send a reminder: ';

/** What a reminder's prompt reminds of; undefined when the prompt is something else. */
export function reminderText(prompt: string): string | undefined {
  return prompt.startsWith(REMINDER_PROMPT) ? prompt.slice(REMINDER_PROMPT.length).trim() : undefined;
}

export const EXAMPLES =
  'For example: remind me in 10 minutes to stretch, or: every day at 9:00 water the plants.';
const WHEN_AND_WHAT = `When, and of what? ${EXAMPLES}`;
const UNSURE =
  'I am not sure which time you mean, so I have set nothing. Say the time first and the rest in quotes, for example: remind me tomorrow at 9:00 to "call Bob".';

const ONE_AT_A_TIME =
  'I can set one reminder at a time, and have set nothing. Say them one after the other, or put what to say in quotes.';

/** So many characters of a text are looked through for more times. */
const MAX_LENGTH = 1_000;
/** A time takes at most so many words. */
const MAX_WORDS = 14;

const LEAD_IN = /^(?:to|that|about|of|for)\b[:,]?\s*/i;
/** What follows a time and belongs to it: the time goes on in a way that is not understood. */
const GOES_ON =
  /^(?:[\d,&+/-]|(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|and|or|but|in|on|at|by|before|after|until|till|from|between|starting|beginning|except|not|then|during|every|each|past|half|quarter|o'?clock|sharp|this|next|last|unless|if|when|while|as|ago|[ap]\.?m|utc|gmt|cest|[cwem]e?t|[a-z][ds]t|(?:\w+ ){0,3}time)\b)/i;
/** What stands before a time and belongs to it. */
const BEGINS_BEFORE =
  /(?:\b(?:and|or|but|at|by|before|after|until|till|from|to|between|starting|beginning|except|not|than|every|each|past|half|quarter|about|around|this|next|last|for|within|during|of|the)|[,&+/-])$/i;
const LENGTH = /^(?:an?|the|\d|half|one|two|three|ever)\b/i;
const ENDS_SOME_TIME =
  /\b(?:until|till|starting|beginning|except)\b|\bfor (?:the next )?\S+ (?:days?|weeks?|months?|years?)\b/i;
const REPEATS =
  /\b(?:every|each)\s+(?:\S+\s+)?(?:second|minute|hour|day|night|morning|afternoon|evening|week|weekday|weekend|month|year|mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:s|day|days)?\b|\b(?:once|twice|times) (?:a|an|per) |^(?:daily|hourly|weekly|monthly|yearly)\b|\b(?:daily|hourly|weekly|monthly|yearly)$/i;
const CLOCK =
  /\b(?:at|by|around|about|before|after|until|till|from|past|half|quarter)\s+(?:half|quarter|\d)|\b(?:is|are|starts?|begins?|opens?|closes?|leaves?)\s+\d{1,2}\b|\d[:.]\d\d\b|\d\s?[ap]\.?m\b|o'?clock|\b(?:noon|midday|midnight|morning|afternoon|evening|tonight|night)\b/i;
const DAY =
  /\b(?:today|tonight|tomorrow|yesterday|weekend|next (?:week|month|year)|(?:the )?\d{1,2}(?:st|nd|rd|th)|christmas|easter|of the month)\b|\b(?:in|after|within) (?:\S+ ){1,3}(?:sec|min|h(?:ou)?r|day|week|month|year)/i;
/** In "sit in the sun at 9" and "call Mon at 9" the word is no day. */
const DAY_OR_WORD = /^(?:(?:in )?the )?(?:sun|sat|wed|mon)\b/i;
/** In "at 10 30 push-ups" the second number is a minute or belongs to the rest. */
const NUMBER_AFTER_HOUR = /\b\w+ (?:[0-5]\d|(?:twen|thir|for|fif)ty)$/i;
const QUOTED = /["“”„«]([^"“”„«»]+)["“”»]/;

interface Found {
  readonly when: When;
  readonly phrase: string;
  readonly rest: string;
}

/**
 * Takes the time and the subject of a reminder apart. A time stands first or last, and the whole of it must be
 * understood.
 * @param body what follows "remind me"
 * @param subject what to remind of where only a time is said; undefined: that is asked
 */
export function readReminder(body: string, now: Date, timezone: string, subject?: string): ReminderRequest {
  const read = (phrase: string): When | undefined => {
    const when = readWhen(phrase, now, timezone);
    const morning = when?.choices?.find((choice) => choice.startsWith('tomorrow at'));
    return morning !== undefined && /alarm|wake/.test(subject ?? '')
      ? readWhen(morning, now, timezone)
      : when;
  };
  const text = body.trim();
  const quoted = QUOTED.exec(text);
  if (quoted !== null) {
    const [whole, what = ''] = quoted;
    const around =
      `${text.slice(0, quoted.index).trim()} ${text.slice(quoted.index + whole.length).trim()}`.trim();
    const phrase = around
      .replace(LEAD_IN, '')
      .replace(/[\s:,]+(?:to|that|about|of|for)?[:,]?$/i, '')
      .trim();
    const when = read(phrase.replace(/\s(?:to|that|about|of|for)$/i, ''));
    if (when !== undefined) return outcome(when, what.trim());
  }
  const first = timeFirst(text, read);
  const spoken = text.replace(LEAD_IN, '');
  const last = timeLast(spoken, read);
  if (first !== undefined) return withTimeFirst(first, last, subject);
  if (last !== undefined) return withTimeLast(last);
  if (!LEAD_IN.test(text) || spoken === '') return { question: WHEN_AND_WHAT };
  if (timesIn(spoken).any) return { question: UNSURE };
  return { question: 'When? Say for example: tomorrow at 9:00.', what: spoken, open: '' };
}

/** What is no answer to "Of what?". */
const OTHER_REQUEST =
  /\bremind\b|^(?:every|set|cancel|delete|remove|pause|resume|stop|no|never ?mind|forget|list|show|tasks|reminders|groups|activate|say|what|which|why|how|when|who|where|help|my|thanks?|thx|nothing|nvm|nope|nah|ok(?:ay)?|yes|yep|sorry|wait|cool|great|hi|hello|hey|bye)\b/i;

/** The answer to a question about an earlier request: a time alone; undefined when it is none. */
export function answerToQuestion(
  text: string,
  earlier: ReminderRequest,
  now: Date,
  timezone: string,
): ReminderRequest | undefined {
  if (!('question' in earlier)) return undefined;
  if (earlier.at !== undefined && !OTHER_REQUEST.test(text))
    return readReminder(
      `${earlier.at} to "${text.replace(LEAD_IN, '').replace(/["“”„«»]/g, '')}"`,
      now,
      timezone,
    );
  if (earlier.what === undefined) return undefined;
  const { what, taskId } = earlier;
  const said = text
    .trim()
    .replace(/^(?:no|yes|yep|ok|okay|sorry|i mean|i meant|the one)[,.!]* (?=\S)/i, '')
    .replace(/,?\s+(?:please|pls|thanks|thank you|thx)[.!]*$/i, '');
  const chosen = chosenOf(said, earlier.choices ?? []);
  const choice = chosen === undefined ? undefined : readWhen(chosen, now, timezone);
  if (choice !== undefined) return { ...outcome(choice, what), taskId };
  if (/^(?:in the )?(?:[ap]\.?m\.?|first|second|later|earlier)$/i.test(said)) return earlier;
  const alone = readWhen(said, now, timezone);
  if (alone !== undefined && (earlier.open === '' || (alone.hasDay && alone.hasTime)))
    return { ...outcome(alone, what), taskId };
  // Another day: the time of day is asked for.
  if (
    alone?.hasDay === true &&
    alone.open !== undefined &&
    alone.open !== '' &&
    !/^(?:in the|this|at)\b/i.test(said)
  )
    return { ...outcome(alone, what), taskId };
  const added = /^(?:at|in)\b/i.test(said) ? said : `at ${said}`;
  const when = earlier.open === undefined ? undefined : readWhen(`${earlier.open} ${added}`, now, timezone);
  return when === undefined ? undefined : { ...outcome(when, what), taskId };
}

/** Which of the times that were asked about an answer names: by its place, its half of the day or its day. */
function chosenOf(answer: string, choices: readonly string[]): string | undefined {
  const said = answer
    .toLowerCase()
    .replace(/[\s.!]+$/, '')
    .replace(/^(?:in |at |on )?(?:the )?/, '');
  const byWord = choices.filter((choice) => said.length > 2 && ` ${choice}`.includes(` ${said}`));
  if (byWord.length === 1) return byWord[0];
  if (choices.length === 1 && /^(?:yes|yep|yeah|y|sure|exactly|right)$/.test(said)) return choices[0];
  const half = /^(?:(?:a\.?m\.?|morning)|(p\.?m\.?|afternoon|evening|night))$/.exec(said);
  if (half !== null) return choices.find((choice) => choice.endsWith(half[1] === undefined ? 'am' : 'pm'));
  const number = /^(\d{1,2})(?:st|nd|rd|th)?(?: one)?$/.exec(said)?.[1];
  const byDay = choices.find(
    (choice) => number !== undefined && new RegExp(`\\b${number} [a-z]{3}`).test(choice),
  );
  if (byDay !== undefined) return byDay;
  const isHour = choices.some((choice) => /[ap]m$/.test(choice));
  const place = /^(?:(first|earlier|former|1st|1)|second|later|latter|other|2nd|2|last)(?: one)?$/.exec(said);
  if (place === null || (isHour && /^\d$/.test(said))) return undefined;
  return choices.at(place[1] === undefined ? 1 : 0);
}

function outcome({ plan, open, choices }: When, said: string): ReminderRequest {
  const what = said.replace(/,?\s+(?:please|pls|thanks|thank you|thx)[.!]*$/i, '');
  return typeof plan === 'string' ? { question: plan, what, open, choices } : { what, schedule: plan };
}

function withTimeFirst(
  { when, phrase, rest }: Found,
  last: Found | undefined,
  subject?: string,
): ReminderRequest {
  const again = rest
    .replace(/^[:,]?\s*(?:please\s+)?remind\s+(?:me|us)\s+/i, '')
    .replace(/^(?:[:,]\s*|[-–—]\s+)/, '');
  const lead = LEAD_IN.exec(again)?.[0];
  const what = again.slice(lead?.length ?? 0).trim();
  if (what === '') {
    if (subject !== undefined && !when.hasTime && typeof when.plan !== 'string')
      return { question: 'At what time?', what: subject, open: phrase };
    if (subject !== undefined) return outcome(when, subject);
    const isProblem = typeof when.plan === 'string' && when.open === undefined && when.choices === undefined;
    return isProblem ? { question: String(when.plan) } : { question: 'Of what?', at: phrase };
  }
  const goesOn =
    (lead === undefined && (GOES_ON.test(again) || timesIn(again).atStart)) ||
    (lead === undefined && NUMBER_AFTER_HOUR.test(phrase)) ||
    (/^for/i.test(lead ?? '') && LENGTH.test(what)) ||
    (/^to/i.test(lead ?? '') && /^\d/.test(what) && /\d$/.test(phrase));
  if (isTwo(when, what)) return { question: ONE_AT_A_TIME };
  if (goesOn || isUnsure(when, what, last)) return { question: UNSURE };
  return outcome(when, what);
}

function withTimeLast({ when, phrase, rest }: Found): ReminderRequest {
  const what = rest.replace(/[\s:,;-]+$/, '');
  if (/^(?:on|in|at|by|the|to|of|about|that|for|please)?$/i.test(what))
    return { question: `Of what? ${EXAMPLES}` };
  if (DAY_OR_WORD.test(phrase) || /^(?:(?:in|at) )?\d+$/i.test(what)) return { question: UNSURE };
  if (isTwo(when, what)) return { question: ONE_AT_A_TIME };
  const times = timesIn(what);
  if (BEGINS_BEFORE.test(what) || times.atEnd || isUnsure(when, what, undefined)) return { question: UNSURE };
  return outcome(when, what);
}

/** Whether two reminders are asked for in one sentence. */
function isTwo({ hasTime }: When, what: string): boolean {
  if (/\bremind (?:me|us)\b/i.test(what)) return true;
  return hasTime && /\b(?:and|then|also|plus)\b|[&;]/i.test(what) && timesIn(what).clock;
}

/** Whether what is left says more of the time than the time that was understood. */
function isUnsure(when: When, what: string, other: Found | undefined): boolean {
  const repeats = typeof when.plan !== 'string' && when.plan.type !== 'once';
  if (repeats && ENDS_SOME_TIME.test(what)) return true;
  if (!repeats && REPEATS.test(what)) return true;
  const times = timesIn(what);
  if (!when.hasTime && (times.clock || other?.when.hasTime === true)) return true;
  return !when.hasDay && (times.day || what.split(/\s+/).some(isMisspeltDay) || other?.when.hasDay === true);
}

/** Whether a word is a day's name but for one letter, or for two that changed places: "friady". */
function isMisspeltDay(word: string): boolean {
  const said = word.toLowerCase();
  // Short for tomorrow; a person has a capital letter.
  if (word === 'tom' || /^(?:we\w*|t[hu]\w*|sat\w*)day$/.test(said)) return true;
  return [...WEEKDAYS, 'tomorrow'].some((day) => {
    const shorter = Math.min(said.length, day.length);
    let start = 0;
    while (start < shorter && said[start] === day[start]) start++;
    let end = 0;
    while (end < shorter - start && said.at(-1 - end) === day.at(-1 - end)) end++;
    const [one, other] = [said.slice(start, said.length - end), day.slice(start, day.length - end)];
    const isSwapped = one.length === 2 && one === `${other.slice(1)}${other.slice(0, 1)}`;
    return said !== day && (isSwapped || (one.length < 2 && other.length < 2));
  });
}

function timesIn(text: string): {
  readonly any: boolean;
  readonly clock: boolean;
  readonly day: boolean;
  readonly atStart: boolean;
  readonly atEnd: boolean;
} {
  const found = casual.parse(text.slice(0, MAX_LENGTH));
  const clock = CLOCK.test(text) || found.some(({ start }) => start.isCertain('hour'));
  const day =
    DAY.test(text) ||
    found.some(({ start }) => (['day', 'weekday', 'month'] as const).some((part) => start.isCertain(part)));
  const end = text.replace(/[\s.!?]+$/, '').length;
  const atEnd =
    found.some((one) => one.index + one.text.length >= end) ||
    /\b(?:at|by|around|before|after|until|till|from|half|quarter|past)\s+(?:(?:half|quarter|past|about|around|to)\s+){0,2}\d\S*$/i.test(
      text,
    );
  return {
    any: clock || day || REPEATS.test(text) || /^(?:in|on|at)\s/i.test(text),
    clock,
    day,
    atStart: found[0]?.index === 0,
    atEnd,
  };
}

function timeFirst(text: string, read: (phrase: string) => When | undefined): Found | undefined {
  const ends = [...text.matchAll(/\S+/g)].slice(0, MAX_WORDS).map((word) => word.index + word[0].length);
  for (const end of ends.toReversed()) {
    const phrase = text.slice(0, end);
    const when = read(phrase);
    if (when !== undefined) return { when, phrase, rest: text.slice(end).trim() };
  }
  return undefined;
}

function timeLast(text: string, read: (phrase: string) => When | undefined): Found | undefined {
  const starts = [...text.matchAll(/\S+/g)].slice(1).map((word) => word.index);
  for (const start of starts.slice(-MAX_WORDS)) {
    const phrase = text.slice(start);
    const when = read(phrase);
    if (when !== undefined) return { when, phrase, rest: text.slice(0, start).trim() };
  }
  return undefined;
}
