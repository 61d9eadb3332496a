import { WEEKDAYS } from './local-time.ts';
import type { Schedule } from './schedule.ts';
import { capitalize, clockWords, DAY, HOUR, MINUTE, monthWord, SECOND } from './time-words.ts';

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
