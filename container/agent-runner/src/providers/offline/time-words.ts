import { type LocalTime, MONTHS, WEEKDAYS } from './local-time.ts';
import { ScheduleProblem } from './schedule.ts';

export type Clock = Pick<LocalTime, 'hour' | 'minute'>;
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const MAX_DELAY_MS = 10 * 365 * DAY;

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^mo/, 30 * DAY],
  [/^y/, 365 * DAY],
  [/^s/, SECOND],
  [/^m/, MINUTE],
  [/^h/, HOUR],
  [/^d/, DAY],
  [/^w/, 7 * DAY],
];

export const UNIT =
  '(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w|months?|years?|yrs?)(?![a-z])';

export const WEEKDAY = `(?:${WEEKDAYS.map((day) => `${day}|${day.slice(0, 3)}`).join('|')}|tues|wednes|thurs?)`;
export const MONTH = `(?:${MONTHS.map((month) => `${month}|${month.slice(0, 3)}`).join('|')}|sept)`;
export const CLOCK = '(?:\\d{1,2}[:.]\\d{2}(?: ?[ap]m)?|\\d{1,2}(?: ?[ap]m)?)(?![\\w:])';

/** A clock that stands alone: with minutes, or with am or pm. */
export const BARE_CLOCK = '(?:\\d{1,2}[:.]\\d{2}(?: ?[ap]m)?|\\d{1,2} ?[ap]m)(?![\\w:])';

export const ORDINAL = '(\\d{1,2})(?:st|nd|rd|th)';
const DAY_PART = '(?:in the |at |this )?(morning|afternoon|evening|night)';

export function unitMs(unit: string): number {
  return UNITS.find(([pattern]) => pattern.test(unit))?.[1] ?? MINUTE;
}

export function durationMs(amount: string | undefined, unit: string): number {
  const duration = Math.round((amount === undefined ? 1 : Number(amount)) * unitMs(unit));
  if (duration <= 0) throw new ScheduleProblem('That is no time at all.');
  if (duration > MAX_DELAY_MS) throw new ScheduleProblem('That is more than ten years: too far away for me.');
  return duration;
}

export function clock(text: string): Clock {
  const match = /(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?/i.exec(text);
  const [, hours = '', minutes = '0', half] = match ?? [];
  const minute = Number(minutes);
  let hour = Number(hours);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) throw new ScheduleProblem(`${text.trim()} is not a time of day.`);
    hour = (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
  }
  if (hour > 23 || minute > 59) throw new ScheduleProblem(`${text.trim()} is not a time of day.`);
  return { hour, minute };
}

/** A time of day with the part of the day that it is said to be in: 8 in the evening is 20:00. */
export function clockInPart(text: string, part: string | undefined): Clock {
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
export function isOpenHour(text: string | undefined, part: string | undefined): boolean {
  return part === undefined && /^[1-6](?:[:.]\d\d)?$/.test(text ?? '');
}

/** The two times that an open hour may mean, as phrases with what is said of the day. */
export function halves(day: string, { hour, minute }: Clock): readonly string[] {
  const digits = `${hour}:${String(minute).padStart(2, '0')}`;
  return ['am', 'pm'].map((half) => `${day} at ${digits}${half}`.trim());
}

export function whichHour({ hour, minute }: Clock): string {
  return `Do you mean ${clockWords({ hour, minute })} or ${clockWords({ hour: hour + 12, minute })}?`;
}

const PART_HOURS: Readonly<Record<string, readonly [number, number]>> = {
  morning: [1, 11],
  afternoon: [12, 18],
  evening: [16, 23],
  night: [18, 23],
};

export function clockWords({ hour, minute }: Clock): string {
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}

export function inThe(part: string | undefined): string {
  if (part === undefined) return '';
  return part === 'night' ? ', at night' : `, in the ${part}`;
}

export function monthWord(month: number): string {
  return capitalize(MONTHS[month - 1] ?? '');
}

export function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

export function monthOf(name: string): number {
  return MONTHS.findIndex((month) => month.startsWith(name.slice(0, 3))) + 1;
}

export function weekdayOf(name: string): number {
  return WEEKDAYS.findIndex((day) => day.startsWith(name.slice(0, 3)));
}

/** Takes out "in the evening", "tonight" and the like; a day stays. */
export function takeDayPart(text: string): { readonly part: string | undefined; readonly rest: string } {
  if (/\btonight\b/.test(text)) return { part: 'night', rest: text.replace(/\btonight\b/, 'today') };
  const found = new RegExp(`(?:^| )${DAY_PART}\\b`).exec(text);
  if (found === null) return { part: undefined, rest: text };
  const rest = text.replace(found[0], ' ').replace(/\s+/g, ' ').trim();
  const isToday = found[0].trim().startsWith('this');
  return { part: found[1], rest: isToday ? `today ${rest}`.trim() : rest };
}
