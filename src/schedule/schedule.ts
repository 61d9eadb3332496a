import { CronExpressionParser } from 'cron-parser';
import { DateTime } from 'luxon';
import type { ScheduleType } from '../protocol/mailbox.ts';

/** When a task runs. Pure: the time and the zone come in. */
export interface Schedule {
  readonly type: ScheduleType;
  /** A cron expression, milliseconds, or an instant. */
  readonly value: string;
}

/** A schedule that cannot be understood; the text says what is accepted. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

/** A shorter interval would start a sandbox before the last one ended. */
const LEAST_INTERVAL_MS = 1_000;
/** The longest span that JavaScript's Date can add without leaving its range by accident. */
const MOST_INTERVAL_MS = 366 * 24 * 3_600_000;
/** A one-time task that is a little late on its way here still fires; an older one is a mistake worth saying. */
const LATE_MS = 60_000;

/** The next time of a cron expression after an instant, in its zone; undefined when it has none. */
function nextCron(value: string, timezone: string, after: number): number | undefined {
  try {
    const cron = CronExpressionParser.parse(value, { tz: timezone, currentDate: new Date(after) });
    return cron.hasNext() ? cron.next().getTime() : undefined;
  } catch (error) {
    throw new ScheduleError(
      `"${value}" is no cron expression (${(error as Error).message}). Write five fields: minute hour day month weekday, like "0 9 * * 1-5".`,
    );
  }
}

/** Longer than any hour that a zone repeats. */
const REPEATED_MS = 3 * 3_600_000;

/**
 * The next time of a cron expression after now, counted on from a slot that was claimed: in an hour that the zone repeats, the time of
 * day that the slot stands for comes once.
 */
function nextCronAfter(value: string, timezone: string, slot: number, now: number): number | undefined {
  let next = nextCron(value, timezone, Math.max(slot, now - REPEATED_MS));
  while (next !== undefined && next <= now) next = nextCron(value, timezone, next);
  return next;
}

function parseInterval(value: string): number {
  const interval = Number(value);
  if (!/^\d+$/.test(value) || interval < LEAST_INTERVAL_MS || interval > MOST_INTERVAL_MS) {
    throw new ScheduleError(
      `"${value}" is no interval. Write whole milliseconds from ${LEAST_INTERVAL_MS} to ${MOST_INTERVAL_MS} (a year), like "3600000" for every hour.`,
    );
  }
  return interval;
}

/** A local time without offset is meant in the zone; one with an offset is taken as written. */
function parseOnce(value: string, timezone: string): number {
  const time = DateTime.fromISO(value, { zone: timezone });
  if (!time.isValid) {
    throw new ScheduleError(
      `"${value}" is no time. Write a local time like "2026-03-01T15:30:00", or one with an offset like "2026-03-01T15:30:00+01:00".`,
    );
  }
  return time.toMillis();
}

/**
 * The first run of a new schedule.
 * @param now milliseconds since the epoch
 * @returns milliseconds since the epoch
 * @throws ScheduleError when it cannot be understood, never comes, or lies in the past
 */
export function firstRun(schedule: Schedule, timezone: string, now: number): number {
  if (schedule.type === 'interval') return now + parseInterval(schedule.value);
  if (schedule.type === 'cron') {
    const next = nextCron(schedule.value, timezone, now);
    if (next === undefined) throw new ScheduleError(`"${schedule.value}" never comes.`);
    return next;
  }
  const once = parseOnce(schedule.value, timezone);
  if (once < now - LATE_MS) throw new ScheduleError(`${formatLocal(once, timezone)} is in the past.`);
  return once;
}

/**
 * The run after one that was claimed. Missed slots are skipped: a schedule that was late goes on from now.
 * @param slot the claimed slot, milliseconds since the epoch
 * @returns undefined when there is none: a one-time task is done
 */
export function nextRun(schedule: Schedule, timezone: string, slot: number, now: number): number | undefined {
  if (schedule.type === 'once') return undefined;
  if (schedule.type === 'cron') return nextCronAfter(schedule.value, timezone, slot, now);
  const interval = parseInterval(schedule.value);
  return slot + interval > now ? slot + interval : now + interval;
}

/** A time of day as people in a zone write it, for example `15:30`. */
export function formatTime(instant: number, timezone: string): string {
  return DateTime.fromMillis(instant, { zone: timezone }).toFormat('HH:mm');
}

/** An instant as people in a zone write it, for example `Sat 21 Nov 2026, 15:30:05`. */
export function formatLocal(instant: number, timezone: string): string {
  return DateTime.fromMillis(instant, { zone: timezone })
    .setLocale('en-GB')
    .toFormat('ccc d LLL yyyy, HH:mm:ss');
}

/** An instant as a part of a file's name, for example `2026-11-21-153005`. */
export function formatForFileName(instant: number, timezone: string): string {
  return DateTime.fromMillis(instant, { zone: timezone }).toFormat('yyyy-MM-dd-HHmmss');
}
