import type { ScheduleType } from '../../../../../src/protocol/mailbox.ts';
import { isoLocal, type LocalTime, localTimeAt, plusDays } from './local-time.ts';

/** When something is to happen, in the mailbox's terms. */
export interface Schedule {
  readonly type: ScheduleType;
  readonly value: string;
}

/** A time that was said and cannot be meant; the message is for the person who said it. */
export class ScheduleProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ScheduleProblem';
  }
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LONGEST_DELAY_MS = 10 * 365 * DAY;

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^s/i, SECOND],
  [/^m/i, MINUTE],
  [/^h/i, HOUR],
  [/^d/i, DAY],
  [/^w/i, 7 * DAY],
];
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

const UNIT = '(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)(?![a-z])';
const AMOUNT = '(?:\\d{1,9}(?:\\.\\d{1,3})?|an?|one)';
const CLOCK = '\\d{1,2}(?:[:.]\\d{2})?\\s*(?:am|pm)?(?![\\d:])';

/** Sources of the ways to say when; REMINDER_COMMANDS builds its patterns from them. */
export const WHEN = {
  once: `in\\s+${AMOUNT}\\s*${UNIT}|(?:tomorrow\\s+)?at\\s+${CLOCK}(?:\\s+tomorrow)?|tomorrow`,
  every: `every\\s+(?:(?:${AMOUNT}\\s*)?${UNIT}|${WEEKDAYS.join('|')}|weekday)(?:\\s+at\\s+${CLOCK})?`,
} as const;

function unitMs(unit: string): number {
  return UNITS.find(([pattern]) => pattern.test(unit))?.[1] ?? MINUTE;
}

function durationMs(amount: string | undefined, unit: string): number {
  const count = amount === undefined || /^(?:an?|one)$/i.test(amount) ? 1 : Number(amount);
  const duration = Math.round(count * unitMs(unit));
  if (duration <= 0) throw new ScheduleProblem('That is no time at all.');
  if (duration > LONGEST_DELAY_MS)
    throw new ScheduleProblem('That is more than ten years: too far away for me.');
  return duration;
}

function clock(text: string): Pick<LocalTime, 'hour' | 'minute'> {
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

/**
 * A one-time schedule: an instant to the millisecond for a delay, a local time without offset for a time of day.
 * @param phrase matches WHEN.once
 * @throws ScheduleProblem
 */
export function parseOnce(phrase: string, now: Date, timezone: string): Schedule {
  const delay = new RegExp(`^in\\s+(${AMOUNT})\\s*(${UNIT})$`, 'i').exec(phrase);
  if (delay !== null) {
    const instant = new Date(now.getTime() + durationMs(delay[1], delay[2] ?? ''));
    return { type: 'once', value: instant.toISOString() };
  }
  const here = localTimeAt(now, timezone);
  const at = /at\s+(.+?)(?:\s+tomorrow)?$/i.exec(phrase);
  // "tomorrow" alone: the same time of day.
  const target = { ...here, ...(at === null ? {} : clock(at[1] ?? '')) };
  const passed = target.hour * 60 + target.minute <= here.hour * 60 + here.minute;
  const day = /tomorrow/i.test(phrase) || passed ? plusDays(target, 1) : target;
  return { type: 'once', value: isoLocal(day) };
}

/**
 * A recurring schedule: milliseconds for "every 5 minutes", cron for a time of day.
 * @param phrase matches WHEN.every
 * @throws ScheduleProblem
 */
export function parseEvery(phrase: string): Schedule {
  const [, rest = '', at] = /^every\s+(.+?)(?:\s+at\s+(.+))?$/i.exec(phrase) ?? [];
  const weekday = WEEKDAYS.indexOf(rest.toLowerCase());
  const days = weekday !== -1 ? String(weekday) : /^weekday$/i.test(rest) ? '1-5' : undefined;
  if (at !== undefined) {
    if (days === undefined && !/^(?:(?:a|one|1)\s*)?days?$/i.test(rest)) {
      throw new ScheduleProblem('A time of day goes with "every day", "every weekday" or a day of the week.');
    }
    const { hour, minute } = clock(at);
    return { type: 'cron', value: `${minute} ${hour} * * ${days ?? '*'}` };
  }
  if (days !== undefined)
    throw new ScheduleProblem(`At what time? Say for example "every ${rest} at 9:00 …".`);
  const [, amount, unit = ''] = new RegExp(`^(?:(${AMOUNT})\\s*)?(${UNIT})$`, 'i').exec(rest) ?? [];
  return { type: 'interval', value: String(durationMs(amount, unit)) };
}

const FROM_CRON = /^(\d{1,2}) (\d{1,2}) \* \* (\*|\d|1-5)$/;

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
  const [, minute = '', hour = '', day = ''] = FROM_CRON.exec(schedule.value) ?? [];
  if (minute === '' || schedule.type !== 'cron') return `${schedule.type} ${schedule.value}`;
  const which = day === '*' ? 'day' : day === '1-5' ? 'weekday' : (WEEKDAYS[Number(day)] ?? 'day');
  const name = which[0]?.toUpperCase() + which.slice(1);
  return `every ${WEEKDAYS.includes(which) ? name : which} at ${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
}
