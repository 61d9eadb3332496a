import { casual } from 'chrono-node/en';
import { asUtc, isoLocal, type LocalTime, MONTHS, plusDays, wallTime, wordDay } from './local-time.ts';
import { ScheduleProblem, type When } from './schedule.ts';
import {
  BARE_CLOCK,
  CLOCK,
  type Clock,
  clockInPart,
  clockWords,
  DAY,
  durationMs,
  halves,
  inThe,
  isOpenHour,
  MAX_DELAY_MS,
  MONTH,
  monthOf,
  monthWord,
  ORDINAL,
  takeDayPart,
  UNIT,
  unitMs,
  WEEKDAY,
  weekdayOf,
  whichHour,
} from './time-words.ts';

const PART = `(\\d{1,9}(?:\\.\\d{1,3})?)\\s*(${UNIT})`;
const PARTS = `${PART}(?:(?:,| and|, and)? ?${PART})*`;
const DURATION = new RegExp(`^(?:(?:in|after) ${PARTS}|${PARTS} (?:from now|later))$`);

/** A day without a year that passed less than this long ago is asked about. */
const JUST_PASSED_MS = 92 * DAY;

/** The words of a one-time phrase. One with any other word is not taken for a time: it may mean something else. */
const KNOWN_WORD = new RegExp(
  `^(?:on|at|the|of|in|today|tomorrow|day|after|${MONTH}|\\d{1,2}(?:st|nd|rd|th)?|\\d{4}|\\d{4}-\\d\\d-\\d\\d|${CLOCK}|[ap]m|${UNIT})$`,
);

/** In "log in at 9" and "turn it on tomorrow" the first word is none of the time's. */
const STRAY_PREPOSITION =
  /^(?:(?:on|in|the|of|at) (?:on|in|at|of|today|tomorrow|tonight)|(?:on|in|the|of) \d{1,2}:\d\d)\b/;

/** `in 2 hours and 30 minutes` passes on any clock; `in 2 days` is that day at the same time. */
export function readDelay(text: string, now: Date, here: LocalTime): When | undefined {
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

/** What chrono reads, if it reads the whole text as one time. */
function chronoOf(text: string, here: LocalTime) {
  const reference = { instant: new Date(asUtc(here)), timezone: 0 };
  const [found, ...others] = casual.parse(text, reference, { forwardDate: true });
  if (found === undefined || others.length > 0 || found.end != null) return undefined;
  const isWhole = found.index + found.text.length === text.length;
  return isWhole && /^(?:on|at|in|the| )*$/.test(text.slice(0, found.index)) ? found.start : undefined;
}

export function readOnce(text: string, here: LocalTime): When | undefined {
  if (!/[a-z:.]|\d-\d/.test(text) || STRAY_PREPOSITION.test(text)) return undefined;
  if (/ (?:on|at|in|of|the)$/.test(text)) return undefined;
  if (OF_THE_MONTH.test(text)) return { plan: WHICH_MONTH, hasDay: true, hasTime: false };
  const named = numericDate(text);
  if (typeof named !== 'string') {
    // What stands beside the date must be a part of the time, too.
    const [first] = named.choices ?? [];
    return first !== undefined && readOnce(first, here) === undefined ? undefined : named;
  }
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
      return { plan: whichHour(time), hasDay: false, hasTime: false, open: '', choices: halves('', time) };
    const next = { ...here, ...time };
    if (MAY_BE_EVENING.test(clockText ?? '') && part === undefined && asUtc(next) <= asUtc(here)) {
      const evening = { ...next, hour: next.hour + 12 };
      if (asUtc(evening) > asUtc(here)) return eveningOrMorning(evening, time);
    }
    const plan = isoLocal(asUtc(next) > asUtc(here) ? next : plusDays(next, 1));
    return { plan: { type: 'once', value: plan }, hasDay: false, hasTime: true };
  }
  // Hours and minutes pass on any clock, and "in 2 hours at 9" says two times.
  if (/\d ?(?:[smh](?![a-z])|sec|min|h(?:ou)?r)/.test(day)) return undefined;
  if (new RegExp(`\\d ?${UNIT}`).test(day) && !/^(?:in|after) /.test(day)) return undefined;
  const found = chronoOf(time === undefined ? day : `${day} at ${clockWords(time)}`, here);
  if (found === undefined) return undefined;
  const target = { ...wallTime(found.date()), ...(time ?? { hour: here.hour, minute: here.minute }) };
  const isSameTime = /^(?:in|after) \d/.test(day) && part === undefined;
  const hasTime = time !== undefined;
  if (question !== undefined) {
    const choices = dated.choices?.map((choice) => `${choice}${part === undefined ? '' : ` in the ${part}`}`);
    return { plan: question, hasDay: true, hasTime, choices };
  }
  if (!found.isCertain('day') && !isSameTime) return undefined;
  if (!hasTime && !isSameTime) {
    const named = /^(?:today|tomorrow)$/.test(day) ? day : `on ${wordDay(target)}`;
    const tonight = day === 'today' && part === 'night';
    const plan = tonight ? 'At what time tonight?' : `At what time ${named}${inThe(part)}?`;
    return { plan, hasDay: true, hasTime, open: `${day}${part === undefined ? '' : ` in the ${part}`}` };
  }
  if (time !== undefined && isOpenHour(clockText, part)) {
    const isToday = asUtc(plusDays(here, 1)) > asUtc({ ...target, hour: here.hour, minute: here.minute });
    const later = { ...target, hour: target.hour + 12 };
    if (!isToday || asUtc(target) > asUtc(here))
      return { plan: whichHour(time), hasDay: true, hasTime: false, open: day, choices: halves(day, time) };
    return { plan: planOf(later, here, true), hasDay: true, hasTime };
  }
  const isTonight = day === 'today' && time !== undefined && MAY_BE_EVENING.test(clockText ?? '');
  if (isTonight && part === undefined && asUtc(target) <= asUtc(here)) {
    const evening = { ...target, hour: target.hour + 12 };
    if (asUtc(evening) > asUtc(here)) {
      const question = `${clockWords(time)} has passed. Do you mean ${clockWords(evening)}?`;
      const [, pm = ''] = halves(day, time);
      return { plan: question, hasDay: true, hasTime, open: day, choices: [pm] };
    }
  }
  return { plan: planOf(target, here, found.isCertain('year')), hasDay: true, hasTime };
}

/** In the afternoon "at 8" may be this evening or tomorrow morning. */
const MAY_BE_EVENING = /^(?:[7-9]|1[01])(?:[:.]\d\d)?$/;

function eveningOrMorning(evening: Clock, morning: Clock): When {
  const question = `Do you mean ${clockWords(evening)} today or ${clockWords(morning)} tomorrow?`;
  const [, pm = ''] = halves('today', morning);
  const [am = ''] = halves('tomorrow', morning);
  return { plan: question, hasDay: false, hasTime: true, open: '', choices: [pm, am] };
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

const OF_THE_MONTH = new RegExp(
  `^(?:at ${CLOCK} )?(?:on )?(?:the )?(?:last|${ORDINAL})(?: day)? of (?:the|this|next) month(?: at ${CLOCK})?$`,
);

const WHICH_MONTH =
  'Once, or every month? Say for example: on 1 January at 9:00, or: every month on the 1st at 9:00.';

/** A date in numbers with the month as a word; which is which is asked where it could be both. */
function numericDate(text: string): string | When {
  let problem: string | undefined;
  let choices: readonly string[] | undefined;
  const named = text.replace(
    /(?<![\d:/.-])(\d{1,2})(?:\/(\d{1,2})(?:\/(\d{4}|\d{2}))?|\.(0?[1-9]|1[0-2])\.(\d{4}|\d{2})?|-(\d{1,2})-(\d{4}))(?![\d/:-])/g,
    (written, first: string, ...rest: (string | undefined)[]) => {
      const second = rest[0] ?? rest[2] ?? rest[4] ?? '';
      const year = rest[1] ?? rest[3] ?? rest[5];
      const [a, b] = [Number(first), Number(second)];
      if (a !== b && a <= 12 && b <= 12 && a > 0 && b > 0) {
        choices = [`${a} ${monthWord(b)}`, `${b} ${monthWord(a)}`].map((date) =>
          text.replace(written, `${date}${fullYear(year)}`.toLowerCase()),
        );
        problem = `${written}: is that ${a} ${monthWord(b)} or ${b} ${monthWord(a)}? Say the month as a word.`;
      }
      const [day, month] = b > 12 ? [b, a] : [a, b];
      if (month < 1 || month > 12 || day < 1) problem ??= `${written} is not a date.`;
      return `${day} ${MONTHS[month - 1] ?? ''}${fullYear(year)}`;
    },
  );
  return problem === undefined ? named : { plan: problem, hasDay: true, hasTime: true, choices };
}

function fullYear(year: string | undefined): string {
  if (year === undefined) return '';
  return ` ${year.length === 2 ? `20${year}` : year}`;
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
): {
  readonly text: string;
  readonly question?: string | undefined;
  readonly choices?: readonly string[];
} {
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
    return {
      text: replaced(coming),
      question: `Do you mean ${wordDay(coming)} or ${wordDay(later)}?`,
      choices: [replaced(coming), replaced(later)],
    };
  }
  return { text: replaced(coming) };
}
