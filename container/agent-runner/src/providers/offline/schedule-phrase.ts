import { casual } from 'chrono-node/en';
import type { ScheduleType } from '../../../../../src/protocol/mailbox.ts';
import { isoLocal, type LocalTime, localTimeAt, MONTHS, plusDays, WEEKDAYS, wordDay } from './local-time.ts';

/** When something is to happen, in the mailbox's terms. */
export interface Schedule {
  readonly type: ScheduleType;
  readonly value: string;
}

/** What a phrase says about a time. */
export interface When {
  /** The schedule, or the question to ask where the phrase leaves one open. */
  readonly plan: Schedule | string;
  readonly hasDay: boolean;
  readonly hasTime: boolean;
  /** Where only the time of day is asked for: the rest, to which a time can be added. */
  readonly open?: string | undefined;
}

/** A time that was said and cannot be meant; the message is for the person who said it. */
class ScheduleProblem extends Error {
  override readonly name = 'ScheduleProblem';
}

type Clock = Pick<LocalTime, 'hour' | 'minute'>;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MAX_DELAY_MS = 10 * 365 * DAY;
/** A longer phrase is more than a time. */
const MAX_LENGTH = 120;
/** A day without a year that passed less than this long ago is asked about. */
const JUST_PASSED_MS = 92 * DAY;

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^mo/, 30 * DAY],
  [/^y/, 365 * DAY],
  [/^s/, SECOND],
  [/^m/, MINUTE],
  [/^h/, HOUR],
  [/^d/, DAY],
  [/^w/, 7 * DAY],
];
const UNIT =
  '(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w|months?|years?|yrs?)(?![a-z])';
const PART = `(\\d{1,9}(?:\\.\\d{1,3})?)\\s*(${UNIT})`;
const PARTS = `${PART}(?:(?:,| and|, and)? ?${PART})*`;
const DURATION = new RegExp(`^(?:(?:in|after) ${PARTS}|${PARTS} (?:from now|later))$`);

const WEEKDAY = `(?:${WEEKDAYS.map((day) => `${day}|${day.slice(0, 3)}`).join('|')}|tues|wednes|thurs?)`;
const MONTH = `(?:${MONTHS.map((month) => `${month}|${month.slice(0, 3)}`).join('|')}|sept)`;
const CLOCK = '(?:\\d{1,2}[:.]\\d{2}(?: ?[ap]m)?|\\d{1,2}(?: ?[ap]m)?)(?![\\w:])';
/** A clock that stands alone: with minutes, or with am or pm. */
const BARE_CLOCK = '(?:\\d{1,2}[:.]\\d{2}(?: ?[ap]m)?|\\d{1,2} ?[ap]m)(?![\\w:])';
const ORDINAL = '(\\d{1,2})(?:st|nd|rd|th)';
const DAY_PART = '(?:in the |at |this )?(morning|afternoon|evening|night)';

/** The words of a one-time phrase. One with any other word is not taken for a time: it may mean something else. */
const KNOWN_WORD = new RegExp(
  `^(?:on|at|the|of|in|today|tomorrow|day|after|${MONTH}|\\d{1,2}(?:st|nd|rd|th)?|\\d{4}|\\d{4}-\\d\\d-\\d\\d|${CLOCK}|[ap]m|${UNIT})$`,
);

const NUMBER_WORDS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = ['twenty', 'thirty', 'forty', 'fifty'];

/** In "log in at 9" and "turn it on tomorrow" the first word is none of the time's. */
const STRAY_PREPOSITION =
  /^(?:(?:on|in|the|of|at) (?:on|in|at|of|today|tomorrow|tonight)|(?:on|in|the|of) \d{1,2}:\d\d)\b/;

/** A phrase in the few forms that the rest of this file reads. */
function normalize(phrase: string): string {
  const ones = NUMBER_WORDS.slice(1).join('|');
  const digits = (word: string): number => Math.max(NUMBER_WORDS.indexOf(word), 0);
  return phrase
    .toLowerCase()
    .normalize('NFKC')
    .replaceAll('’', "'")
    .replaceAll('@', ' at ')
    .replace(/,?\s+(?:please|pls|thanks|thank you|thx)[.!]*$/, '')
    .replace(/[!?,:;]+$/, '')
    .replace(/(?<!\d\.\d{1,2})\.$|(?<=\bat \d{1,2}\.\d{2})\.$/, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/ ?\bo'? ?clock\b/g, '')
    .replace(/\b([ap])\.\s?m\b\.?/g, '$1m')
    .replace(/\b(?:12 )?(?:noon|midday)\b/g, '12:00')
    .replace(/\beveryday\b/g, 'every day')
    .replace(/\bthis coming\b/g, 'coming')
    .replace(/\bat (\d{1,2})h\b/g, 'at $1:00')
    .replace(/\b(days|weeks|months|years|hours|minutes)'? time$/, '$1')
    .replace(/^(?:at )?midnight$/, 'at 0:00')
    .replace(/^(?:on )?(?:the )?day after tomorrow\b/, 'the day after tomorrow')
    .replace(/\bfirst (?=of )/g, '1st ')
    .replace(/\b(?:tmrw|tmr|tmw|tomorow|tommorow|tommorrow|tomoro|tomorro|2moro|2morrow)\b/g, 'tomorrow')
    .replace(
      new RegExp(`\\b(${TENS.join('|')})(?:[- ](${NUMBER_WORDS.slice(1, 10).join('|')}))?\\b`, 'g'),
      (_, ten: string, one?: string) =>
        String((TENS.indexOf(ten) + 2) * 10 + (one === undefined ? 0 : digits(one))),
    )
    .replace(new RegExp(`\\b(?:${ones})\\b`, 'g'), (word) => String(digits(word)))
    .replace(/\bat (\d{1,2}) ([0-5]\d)(?= ?[ap]m\b|$)/g, 'at $1:$2')
    .replace(/\b(\d{4})[/.](\d\d)[/.](\d\d)\b/g, '$1-$2-$3')
    .replace(/\b(?:an? )?half (?:an? )?hour\b|\b1[⁄/]2 (?:an )?hour\b/g, '30 minutes')
    .replace(/\b3 quarters of an hour\b/g, '45 minutes')
    .replace(/\b(?:an? |1 )?quarter of an hour\b/g, '15 minutes')
    .replace(new RegExp(`\\b(?:an?|(\\d+)) (${UNIT}) and a half\\b`, 'g'), (_, count = '1', unit) =>
      [`${count}.5`, unit].join(' '),
    )
    .replace(/\b(\d+) ?(?:and a half|1⁄2|1\/2) (?=[a-z])/g, '$1.5 ')
    .replace(/\b(\d+)1⁄2 ?(?=[a-z])/g, '$1.5 ')
    .replace(new RegExp(`\\ban? (?=${UNIT})`, 'g'), '1 ')
    .replace(/\b(in \d{1,2}) ?h ?(\d{2})$/, '$1 h $2 m')
    .replace(/\b(\d{1,2})h(\d{2})\b(?! ?m)/g, '$1:$2')
    .replace(
      /\b(?:a )?(half|quarter|\d{1,2} minutes) (past|to) (\d{1,2})(?![\d:]|(?<=12) ?[ap]m\b)/g,
      (_, part: string, side: string, hour: string) => clockInWords(part, side, Number(hour)),
    );
}

/** `half past 3` as `3:30`, `quarter to 5` as `4:45`. */
function clockInWords(part: string, side: string, hour: number): string {
  const minutes = part === 'half' ? 30 : part === 'quarter' ? 15 : Number.parseInt(part, 10);
  if (hour > 23 || minutes < 1 || minutes > 59 || (part === 'half' && side === 'to'))
    return `${part} ${side} ${hour} o`;
  if (side === 'past') return `${hour}:${String(minutes).padStart(2, '0')}`;
  return `${hour > 1 ? hour - 1 : hour === 1 ? 12 : 23}:${String(60 - minutes).padStart(2, '0')}`;
}

function unitMs(unit: string): number {
  return UNITS.find(([pattern]) => pattern.test(unit))?.[1] ?? MINUTE;
}

function durationMs(amount: string | undefined, unit: string): number {
  const duration = Math.round((amount === undefined ? 1 : Number(amount)) * unitMs(unit));
  if (duration <= 0) throw new ScheduleProblem('That is no time at all.');
  if (duration > MAX_DELAY_MS) throw new ScheduleProblem('That is more than ten years: too far away for me.');
  return duration;
}

function clock(text: string): Clock {
  const match = /(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?/i.exec(text);
  const [, hours = '', minutes = '0', half] = match ?? [];
  const minute = Number(minutes);
  let hour = Number(hours);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) throw new ScheduleProblem(`${text.trim()} is no time of day.`);
    hour = (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
  }
  if (hour > 23 || minute > 59) throw new ScheduleProblem(`${text.trim()} is no time of day.`);
  return { hour, minute };
}

/** A time of day with the part of the day that it is said to be in: 8 in the evening is 20:00. */
function clockInPart(text: string, part: string | undefined): Clock {
  const { hour, minute } = clock(text);
  if (part === undefined) return { hour, minute };
  const isOpen = !/[ap]m/.test(text) && hour >= 1 && hour <= 12;
  const evening = isOpen && part !== 'morning' ? (hour % 12) + 12 : hour;
  const [from, to] = PART_HOURS[part] ?? [0, 23];
  if (evening < from || evening > to)
    throw new ScheduleProblem(
      `I am not sure which time ${text.trim()} in the ${part} is. Say it like 9:00 or 21:00.`,
    );
  return { hour: evening, minute };
}

/** Whether a time of day may be meant in the morning or in the afternoon. Where people say 8 or 9 alone, it is the morning. */
function isOpenHour(text: string | undefined, part: string | undefined): boolean {
  return part === undefined && /^[1-6](?:[:.]\d\d)?$/.test(text ?? '');
}

function whichHour({ hour, minute }: Clock): string {
  return `Do you mean ${clockWords({ hour, minute })} or ${clockWords({ hour: hour + 12, minute })}?`;
}

const PART_HOURS: Readonly<Record<string, readonly [number, number]>> = {
  morning: [1, 11],
  afternoon: [12, 18],
  evening: [16, 23],
  night: [18, 23],
};

function clockWords({ hour, minute }: Clock): string {
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}

/**
 * What a phrase says about a time, once or again and again; undefined where the whole of it is not about a time.
 * @param now the instant at which it is said
 * @param timezone the IANA name of the zone in which it is meant
 */
export function readWhen(phrase: string, now: Date, timezone: string): When | undefined {
  if (phrase.length > MAX_LENGTH) return undefined;
  const text = normalize(phrase);
  const here = localTimeAt(now, timezone);
  try {
    return readEvery(text, here) ?? readDelay(text, now, here) ?? readOnce(text, here);
  } catch (error) {
    if (error instanceof ScheduleProblem) return { plan: error.message, hasDay: true, hasTime: true };
    throw error;
  }
}

/** `in 2 hours and 30 minutes` passes on any clock; `in 2 days` is that day at the same time. */
function readDelay(text: string, now: Date, here: LocalTime): When | undefined {
  if (!DURATION.test(text)) return undefined;
  const parts = [...text.matchAll(new RegExp(PART, 'g'))].map(([, amount = '', unit = '']) => ({
    ms: durationMs(amount, unit),
    isCalendar: unitMs(unit) >= DAY && !amount.includes('.'),
  }));
  if (parts.some(({ isCalendar }) => isCalendar)) {
    const plan = { type: 'once', value: isoLocal(wallTime(chronoOf(text, here)?.date() ?? NEVER)) } as const;
    return { plan, hasDay: true, hasTime: parts.some(({ isCalendar }) => !isCalendar) };
  }
  const instant = now.getTime() + parts.reduce((sum, { ms }) => sum + ms, 0);
  return { plan: { type: 'once', value: new Date(instant).toISOString() }, hasDay: true, hasTime: true };
}

const NEVER = new Date(Number.NaN);

/** A wall clock as an instant on which no zone's changes act, and back. */
function asUtc({ year, month, day, hour, minute }: LocalTime): number {
  return Date.UTC(year, month - 1, day, hour, minute);
}

function wallTime(date: Date): LocalTime {
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
  };
}

/** What chrono reads, if it reads the whole text as one time. */
function chronoOf(text: string, here: LocalTime) {
  const reference = { instant: new Date(asUtc(here)), timezone: 0 };
  const [found, ...others] = casual.parse(text, reference, { forwardDate: true });
  if (found === undefined || others.length > 0 || found.end != null) return undefined;
  const isWhole = found.index + found.text.length === text.length;
  return isWhole && /^(?:on|at|in|the| )*$/.test(text.slice(0, found.index)) ? found.start : undefined;
}

function readOnce(text: string, here: LocalTime): When | undefined {
  if (!/[a-z:.]|\d-\d/.test(text) || STRAY_PREPOSITION.test(text)) return undefined;
  if (OF_THE_MONTH.test(text)) return { plan: WHICH_MONTH, hasDay: true, hasTime: false };
  const named = numericDate(text);
  if (typeof named !== 'string') return named;
  const { part, rest } = takeDayPart(named);
  const dated = weekdayAsDate(ordinalAsDate(rest, here), here, part);
  const question = dated.question;
  if (!dated.text.split(/[ ,]+/).every((word) => word === '' || KNOWN_WORD.test(word))) return undefined;
  const spoken = new RegExp(`(?:^| )at (${CLOCK})|(?:^| )(${BARE_CLOCK})(?! ${MONTH})`).exec(dated.text);
  const clockText = spoken?.[1] ?? spoken?.[2];
  const time = clockText === undefined ? undefined : clockInPart(clockText, part);
  checkDays(dated.text);
  const day = clockText === undefined ? dated.text : dated.text.replace(spoken?.[0] ?? '', ' ').trim();
  if (/^(?:(?:at|on|the) ?)*$/.test(day)) {
    if (time === undefined) return undefined;
    if (isOpenHour(clockText, part))
      return { plan: whichHour(time), hasDay: false, hasTime: false, open: '' };
    const next = { ...here, ...time };
    const plan = isoLocal(asUtc(next) > asUtc(here) ? next : plusDays(next, 1));
    return { plan: { type: 'once', value: plan }, hasDay: false, hasTime: true };
  }
  // Hours and minutes pass on any clock, and "in 2 hours at 9" says two times.
  if (/\d ?(?:[smh](?![a-z])|sec|min|h(?:ou)?r)/.test(day)) return undefined;
  if (new RegExp(`\\d ?${UNIT}`).test(day) && !/^(?:in|after) /.test(day)) return undefined;
  const found = chronoOf(time === undefined ? day : `${day} at ${clockWords(time)}`, here);
  if (found === undefined) return undefined;
  const target = { ...wallTime(found.date()), ...(time ?? { hour: here.hour, minute: here.minute }) };
  const isSameTime = /^(?:tomorrow|(?:in|after) \d.*)$/.test(day) && part === undefined;
  const hasTime = time !== undefined;
  if (question !== undefined) return { plan: question, hasDay: true, hasTime };
  if (!found.isCertain('day') && !isSameTime) return undefined;
  if (!hasTime && !isSameTime) {
    const plan = `At what time on ${wordDay(target)}${inThe(part)}?`;
    return { plan, hasDay: true, hasTime, open: `${day}${part === undefined ? '' : ` in the ${part}`}` };
  }
  if (time !== undefined && isOpenHour(clockText, part)) {
    const isToday = asUtc(plusDays(here, 1)) > asUtc({ ...target, hour: here.hour, minute: here.minute });
    const later = { ...target, hour: target.hour + 12 };
    if (!isToday || asUtc(target) > asUtc(here))
      return { plan: whichHour(time), hasDay: true, hasTime: false, open: day };
    return { plan: planOf(later, here, true), hasDay: true, hasTime };
  }
  return { plan: planOf(target, here, found.isCertain('year')), hasDay: true, hasTime };
}

/** The schedule, or what to ask where the time has passed or only comes around in another year. */
function planOf(target: LocalTime, here: LocalTime, hasYear: boolean): When['plan'] {
  const delay = asUtc(target) - asUtc(here);
  if (delay <= 0) return `${wordDay(target)}, ${clockWords(target)} has passed.`;
  if (delay > MAX_DELAY_MS) return 'That is more than ten years: too far away for me.';
  const ago = asUtc(here) - asUtc({ ...target, year: target.year - 1 });
  if (!hasYear && target.year > here.year && ago < JUST_PASSED_MS && ago >= 0) {
    const day = `${target.day} ${monthWord(target.month)} ${target.year}`;
    return `That has passed this year. If you mean next year, say: on ${day} at ${clockWords(target)}.`;
  }
  return { type: 'once', value: isoLocal(target) };
}

function monthWord(month: number): string {
  return capitalize(MONTHS[month - 1] ?? '');
}

function inThe(part: string | undefined): string {
  if (part === undefined) return '';
  return part === 'night' ? ', at night' : `, in the ${part}`;
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

const OF_THE_MONTH = new RegExp(
  `^(?:at ${CLOCK} )?(?:on )?(?:the )?(?:last|${ORDINAL})(?: day)? of (?:the|this|next) month(?: at ${CLOCK})?$`,
);
const WHICH_MONTH =
  'Once, or every month? Say for example: on 1 January at 9:00, or: every month on the 1st at 9:00.';

/** A date in numbers with the month as a word; which is which is asked where it could be both. */
function numericDate(text: string): string | When {
  let problem: string | undefined;
  const named = text.replace(
    /(?<![\d:/.-])(\d{1,2})(?:\/(\d{1,2})(?:\/(\d{4}|\d{2}))?|\.(0?[1-9]|1[0-2])\.(\d{4}|\d{2})?|-(\d{1,2})-(\d{4}))(?![\d/:-])/g,
    (written, first: string, ...rest: (string | undefined)[]) => {
      const second = rest[0] ?? rest[2] ?? rest[4] ?? '';
      const year = rest[1] ?? rest[3] ?? rest[5];
      const [a, b] = [Number(first), Number(second)];
      if (a !== b && a <= 12 && b <= 12 && a > 0 && b > 0)
        problem = `${written}: is that ${a} ${monthWord(b)} or ${b} ${monthWord(a)}? Say the month as a word.`;
      const [day, month] = b > 12 ? [b, a] : [a, b];
      if (month < 1 || month > 12 || day < 1) problem ??= `${written} is no date.`;
      const full = year === undefined ? '' : ` ${year.length === 2 ? `20${year}` : year}`;
      return `${day} ${MONTHS[month - 1] ?? ''}${full}`;
    },
  );
  return problem === undefined ? named : { plan: problem, hasDay: true, hasTime: true };
}

/** @throws ScheduleProblem for a day that no month, or not that one, has */
function checkDays(text: string): void {
  const found =
    new RegExp(`\\b(\\d{1,2})(?:st|nd|rd|th)?(?: of)? (${MONTH})(?:,? (\\d{4}))?\\b`).exec(text) ??
    new RegExp(`\\b(${MONTH}) (?:the )?(\\d{1,2})(?:st|nd|rd|th)?(?![\\d:.])(?:,? (\\d{4}))?`).exec(text);
  if (found === null) return;
  const [, one = '', two = '', inYear] = found;
  const [day, name] = /^\d/.test(one) ? [Number(one), two] : [Number(two), one];
  const month = monthOf(name);
  // A 29 February without a year waits for the year that has it.
  const most = new Date(Date.UTC(inYear === undefined ? 2024 : Number(inYear), month, 0)).getUTCDate();
  if (day < 1 || day > most) throw new ScheduleProblem(`There is no ${day} ${monthWord(month)}.`);
  if (month === 2 && day === 29 && inYear === undefined)
    throw new ScheduleProblem('In which year? Only leap years have a 29 February.');
}

function monthOf(name: string): number {
  return MONTHS.findIndex((month) => month.startsWith(name.slice(0, 3))) + 1;
}

function weekdayOf(name: string): number {
  return WEEKDAYS.findIndex((day) => day.startsWith(name.slice(0, 3)));
}

/** Takes out "in the evening", "tonight" and the like; a day stays. */
function takeDayPart(text: string): { readonly part: string | undefined; readonly rest: string } {
  if (/\btonight\b/.test(text)) return { part: 'night', rest: text.replace(/\btonight\b/, 'today') };
  const found = new RegExp(`(?:^| )${DAY_PART}\\b`).exec(text);
  if (found === null) return { part: undefined, rest: text };
  const rest = text.replace(found[0], ' ').replace(/\s+/g, ' ').trim();
  const isToday = found[0].trim().startsWith('this');
  return { part: found[1], rest: isToday ? `today ${rest}`.trim() : rest };
}

/** `the 12th` as the next such day, its month as a word. */
function ordinalAsDate(text: string, here: LocalTime): string {
  if (new RegExp(`\\b${MONTH}\\b`).test(text)) return text;
  return text.replace(new RegExp(`(?:\\bon )?\\bthe ${ORDINAL}\\b`), (_, day: string) => {
    const isLater = Number(day) >= here.day;
    const month = isLater ? here.month : (here.month % 12) + 1;
    const year = !isLater && here.month === 12 ? here.year + 1 : here.year;
    return `on ${Number(day)} ${MONTHS[month - 1]} ${year}`;
  });
}

/** A weekday as its date. Which one is meant is a question where people differ. */
function weekdayAsDate(
  text: string,
  here: LocalTime,
  part: string | undefined,
): { readonly text: string; readonly question?: string | undefined } {
  const found = new RegExp(`\\b(?:(this|next|coming) )?(${WEEKDAY})\\b,?`).exec(text);
  if (found === null) return { text };
  const [whole, which, name = ''] = found;
  const today = new Date(asUtc(here)).getUTCDay();
  const wanted = weekdayOf(name);
  const written = new RegExp(`\\d(?:st|nd|rd|th)?(?: of)? ${MONTH}\\b|\\b${MONTH} (?:the )?\\d`).test(text);
  const without = text.replace(whole, ' ').replace(/\s+/g, ' ').trim();
  if (written || /\d{4}-\d/.test(text)) {
    const date = chronoOf(without.replace(/^on (?=on)/, ''), here)?.date() ?? NEVER;
    if (date.getUTCDay() === wanted) return { text: without };
    const day = Number.isNaN(date.getTime()) ? undefined : wordDay(wallTime(date));
    return {
      text: without,
      question: day === undefined ? undefined : `That date is ${day}. Which of the two do you mean?`,
    };
  }
  const until = (wanted - today + 7) % 7;
  const coming = plusDays(here, until === 0 && /next|coming/.test(which ?? '') ? 7 : until);
  const replaced = (day: LocalTime): string =>
    text.replace(whole, `${day.day} ${MONTHS[day.month - 1]} ${day.year}`).replace(/\bon on\b/, 'on');
  // Weeks begin on Monday: the day of this week, and tomorrow, are not always called "next".
  const isThisWeek = until > 0 && (today + 6) % 7 < (wanted + 6) % 7;
  const isUnsure = which === 'next' && until > 0 && (isThisWeek || until === 1);
  if (isUnsure || (until === 0 && which === undefined)) {
    const time = new RegExp(`\\bat (${CLOCK})|\\b(${BARE_CLOCK})`).exec(text.replace(whole, ' '));
    const said = time?.[1] ?? time?.[2];
    const hasPassed =
      until === 0 && said !== undefined && asUtc({ ...here, ...clockInPart(said, part) }) <= asUtc(here);
    if (hasPassed) return { text: replaced(plusDays(here, 7)) };
    const later = plusDays(coming, 7);
    return { text: replaced(coming), question: `Do you mean ${wordDay(coming)} or ${wordDay(later)}?` };
  }
  return { text: replaced(coming) };
}

const EVERY = '(?:every|each)';

/** A recurring schedule: milliseconds for "every 5 minutes", cron for times of day. @throws ScheduleProblem */
function readEvery(text: string, here: LocalTime): When | undefined {
  const plain = text
    .replace(
      /^on (?=mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays|weekdays|weekends)/,
      'every ',
    )
    .replace(/^(?=(?:mon|tues|wednes|thurs|fri|satur|sun)days\b|weekdays\b|weekends\b)/, 'every ')
    .replace(/\bdaily\b/, 'every day')
    .replace(/\bhourly\b/, 'every hour')
    .replace(/\bweekly\b/, 'every week')
    .replace(/\bmonthly\b/, 'every month')
    .replace(/\b(?:yearly|annually)\b/, 'every year')
    .replace(/\bworkdays?\b/, 'weekday')
    .replace(/\bfirst\b/, '1st')
    .replace(/\bat midnight\b/, 'at 0:00');
  if (!new RegExp(`\\b${EVERY} `).test(plain)) return undefined;
  const list = `${CLOCK}(?:(?:,| and|, and) (?:at )?${CLOCK})*`;
  const bareList = `${BARE_CLOCK}(?:(?:,| and|, and) (?:at )?${CLOCK})*`;
  const spoken = new RegExp(`(?:^| )(?:at (${list})|(${bareList}))`).exec(plain);
  const parted = takeDayPart(spoken === null ? plain : plain.replace(spoken[0], ' ').trim());
  const part = parted.part;
  const rest = parted.rest
    .replace(/\s+/g, ' ')
    .trim()
    .replace(part === undefined ? /$^/ : new RegExp(`^${EVERY}$`), 'every day');
  const said = spoken?.[1] ?? spoken?.[2];
  const times = said?.split(/,? and |, ?/).map((one) => one.replace(/^at /, ''));
  const clocks = times?.map((one) => clockInPart(one, part));
  const isDaily = new RegExp(`^${EVERY} day$`).test(rest) && (clocks !== undefined || part !== undefined);
  const days = isDaily ? '* * *' : cronDays(rest);
  const open = times?.findIndex((time) => isOpenHour(time, part)) ?? -1;
  const unsure = days === undefined ? undefined : clocks?.[open];
  if (unsure !== undefined) return { plan: whichHour(unsure), hasDay: true, hasTime: false, open: rest };
  if (days !== undefined) return atClocks(days, clocks, rest, part);
  const counted = new RegExp(`^${EVERY} (?:(\\d{1,9}(?:\\.\\d{1,3})?|other|2nd|second) ?)?(${UNIT})$`).exec(
    rest,
  );
  if (counted === null || part !== undefined) return undefined;
  const [, count = '1', unit = ''] = counted;
  const amount = /^\d/.test(count) ? count : '2';
  // "every second" goes on as "every second Friday".
  if (/^sec/.test(unit) && counted[1] === undefined) return undefined;
  const repeats = (plan: When['plan'], hasTime = true): When => ({ plan, hasDay: true, hasTime });
  if (/^mo|^y/.test(unit)) {
    const example = unit.startsWith('mo') ? 'every month on the 1st' : 'every year on 12 December';
    return repeats(`On which day, and at what time? Say for example: ${example} at 9:00.`, false);
  }
  if (clocks !== undefined)
    return repeats(
      'A time of day goes with "every day", "every weekday", days of the week or a day of the month.',
    );
  const ms = durationMs(amount, unit);
  if (amount === '1' && ms >= DAY) {
    const weekday = ms === DAY ? '*' : new Date(asUtc(here)).getUTCDay();
    const value = `${here.minute} ${here.hour} * * ${weekday}`;
    return repeats({ type: 'cron', value }, false);
  }
  return repeats({ type: 'interval', value: String(ms) });
}

/** The last three fields of a cron expression; undefined where the text names no days. @throws ScheduleProblem */
function cronDays(text: string): string | undefined {
  if (new RegExp(`^${EVERY} weekdays?$`).test(text)) return '* * 1-5';
  if (new RegExp(`^${EVERY} weekends?$`).test(text)) return '* * 0,6';
  const names = new RegExp(
    `^(?:${EVERY} week on |${EVERY} )(${WEEKDAY}s?(?:(?:,| and|, and| &) (?:${EVERY} |on )?${WEEKDAY}s?)*)$`,
  ).exec(text)?.[1];
  if (names !== undefined) {
    const numbers = [...names.matchAll(new RegExp(WEEKDAY, 'g'))].map(([name]) => weekdayOf(name));
    return `* * ${[...new Set(numbers)].sort().join(',')}`;
  }
  const monthly =
    new RegExp(`^${EVERY} month on (?:the )?(?:${ORDINAL}|(\\d{1,2})|(last day))$`).exec(text) ??
    new RegExp(`^(?:on )?(?:the )?(?:${ORDINAL}|(\\d{1,2})|(last day))(?: day)? of ${EVERY} month$`).exec(
      text,
    ) ??
    new RegExp(`^(?:on )?${EVERY} (?:${ORDINAL}|()(last day))(?: day)? of the month$`).exec(text);
  if (monthly !== null) {
    if (monthly[3] !== undefined) return 'L * *';
    const day = Number(monthly[1] ?? monthly[2]);
    if (day < 1 || day > 31) throw new ScheduleProblem(`No month has a day ${day}.`);
    if (day > 28)
      throw new ScheduleProblem(
        `Not every month has a day ${day}. Say a day up to 28, or: on the last day of every month.`,
      );
    return `${day} * *`;
  }
  const date = `(?:the )?(?:(\\d{1,2})(?:st|nd|rd|th)?(?: of)? (${MONTH})|(${MONTH}) (?:the )?(\\d{1,2})(?:st|nd|rd|th)?)`;
  const yearly =
    new RegExp(`^${EVERY} year on ${date}$`).exec(text) ??
    new RegExp(`^(?:on )?${date} ${EVERY} year$`).exec(text) ??
    new RegExp(`^${EVERY} ${date}$`).exec(text);
  if (yearly === null) return undefined;
  const day = Number(yearly[1] ?? yearly[4]);
  const month = monthOf(yearly[2] ?? yearly[3] ?? '');
  const most = new Date(Date.UTC(2025, month, 0)).getUTCDate();
  if (day < 1 || day > most) throw new ScheduleProblem(`Not every year has a ${day} ${monthWord(month)}.`);
  return `${day} ${month} *`;
}

function atClocks(
  days: string,
  clocks: readonly Clock[] | undefined,
  said: string,
  part: string | undefined,
): When {
  if (clocks === undefined) {
    const plan = `At what time${inThe(part)}? Say for example: ${said} at 9:00.`;
    return {
      plan,
      hasDay: true,
      hasTime: false,
      open: `${said}${part === undefined ? '' : ` in the ${part}`}`,
    };
  }
  const [first, ...others] = clocks;
  if (first === undefined || others.some(({ minute }) => minute !== first.minute)) {
    const plan = 'I can only repeat times with the same minute in one go. Say one request for each time.';
    return { plan, hasDay: true, hasTime: true };
  }
  const hours = [...new Set(clocks.map(({ hour }) => hour))].sort((one, other) => one - other).join(',');
  return { plan: { type: 'cron', value: `${first.minute} ${hours} ${days}` }, hasDay: true, hasTime: true };
}

const FROM_CRON = /^(\d{1,2}) (\d{1,2}(?:,\d{1,2})*) (\*|L|\d{1,2}) (\*|\d{1,2}) (\*|\d(?:,\d)*|1-5)$/;

/** A schedule in words, for a list of tasks. */
export function describeSchedule(schedule: Readonly<Record<keyof Schedule, string>>): string {
  if (schedule.type === 'once') return 'once';
  if (schedule.type === 'interval') {
    const ms = Number(schedule.value);
    const [name, size] = (
      [
        ['day', DAY],
        ['hour', HOUR],
        ['minute', MINUTE],
      ] as const
    ).find(([, unit]) => ms % unit === 0) ?? ['second', SECOND];
    const count = ms / size;
    return count === 1 ? `every ${name}` : `every ${count} ${name}s`;
  }
  const [, minute = '', hours = '', day = '', month = '', weekdays = ''] =
    FROM_CRON.exec(schedule.value) ?? [];
  const which = daysInWords(day, month, weekdays);
  if (minute === '' || which === undefined || schedule.type !== 'cron')
    return `${schedule.type} ${schedule.value}`;
  const times = hours.split(',').map((hour) => clockWords({ hour: Number(hour), minute: Number(minute) }));
  return `${which} at ${joined(times)}`;
}

function daysInWords(day: string, month: string, weekdays: string): string | undefined {
  if (day !== '*') {
    if (weekdays !== '*') return undefined;
    if (month !== '*') return day === 'L' ? undefined : `every year on ${day} ${monthWord(Number(month))}`;
    return day === 'L' ? 'on the last day of every month' : `every month on day ${day}`;
  }
  if (month !== '*') return undefined;
  if (weekdays === '*') return 'every day';
  if (weekdays === '1-5') return 'every weekday';
  return `every ${joined(weekdays.split(',').map((one) => capitalize(WEEKDAYS[Number(one) % 7] ?? '')))}`;
}

function joined(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
