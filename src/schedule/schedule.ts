import { DateTime } from 'luxon';
import type { ScheduleType } from '../protocol/mailbox.ts';
import { Cron } from './cron.ts';

/** When a task runs. Pure: the time and the zone come in. */
export interface Schedule {
  readonly type: ScheduleType;
  /** A cron expression, milliseconds, or an instant. */
  readonly value: string;
}

/** A schedule that cannot be understood; the text says what is accepted. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
  /** For an interval that is too short or too long: what is accepted, in milliseconds. */
  readonly intervalLimitsMs: { readonly min: number; readonly max: number } | undefined;

  constructor(message: string, intervalLimitsMs?: ScheduleError['intervalLimitsMs']) {
    super(message);
    this.intervalLimitsMs = intervalLimitsMs;
  }
}

/** The shortest interval, in milliseconds, unless the owner allows a shorter one. */
export const MIN_INTERVAL_MS = 60_000;
/** The longest span that JavaScript's Date can add without leaving its range by accident. */
const MOST_INTERVAL_MS = 366 * 24 * 3_600_000;
/** A one-time task that is a little late on its way here still fires; an older one is a mistake worth saying. */
const LATE_MS = 60_000;
/** The end of the year 9999: neither SQLite nor the ISO form of rows has a later instant. */
const MAX_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** @throws ScheduleError */
function parseCron(value: string, timezone: string): Cron {
  try {
    return new Cron(value, timezone);
  } catch (error) {
    throw new ScheduleError(
      `"${value}" is not a cron expression (${(error as Error).message}). Write five fields: minute hour day month weekday, like "0 9 * * 1-5", or a name like @daily.`,
    );
  }
}

function parseInterval(value: string, minMs: number): number {
  const interval = Number(value);
  const isNumber = /^\d+$/.test(value);
  if (!isNumber || interval < minMs || interval > MOST_INTERVAL_MS) {
    throw new ScheduleError(
      `"${value}" is no interval. Write whole milliseconds from ${minMs} to ${MOST_INTERVAL_MS} (a year), like "3600000" for every hour.`,
      isNumber ? { min: minMs, max: MOST_INTERVAL_MS } : undefined,
    );
  }
  return interval;
}

/** A local time without offset is meant in the zone; one with an offset is taken as written. */
function parseOnce(value: string, timezone: string): number {
  const time = DateTime.fromISO(value, { zone: timezone });
  if (!time.isValid) {
    throw new ScheduleError(
      `"${value}" is not a time. Write a local time like "2026-03-01T15:30:00", or one with an offset like "2026-03-01T15:30:00+01:00".`,
    );
  }
  if (time.toMillis() > MAX_INSTANT) throw new ScheduleError(`"${value}" lies after the year 9999.`);
  return time.toMillis();
}

/**
 * The first run of a new schedule.
 * @param now milliseconds since the epoch
 * @param minIntervalMs the shortest interval that is accepted, in milliseconds
 * @returns milliseconds since the epoch
 * @throws ScheduleError when it cannot be understood, never comes, or lies in the past
 */
export function firstRun(
  schedule: Schedule,
  timezone: string,
  now: number,
  minIntervalMs = MIN_INTERVAL_MS,
): number {
  if (schedule.type !== 'once') return nextRepeat(schedule, timezone, now, now, minIntervalMs);
  const once = parseOnce(schedule.value, timezone);
  if (once < now - LATE_MS) throw new ScheduleError(`${formatLocal(once, timezone)} is in the past.`);
  return once;
}

/**
 * The run after one that was claimed. Missed slots are skipped: a schedule that was late goes on from now.
 * @param slot the claimed slot, milliseconds since the epoch
 * @param now milliseconds since the epoch
 * @param minIntervalMs the shortest interval that is accepted, in milliseconds
 * @returns milliseconds since the epoch; undefined: a one-time task is done
 * @throws ScheduleError when a schedule that repeats cannot be understood or never comes again
 */
export function nextRun(
  schedule: Schedule,
  timezone: string,
  slot: number,
  now: number,
  minIntervalMs = MIN_INTERVAL_MS,
): number | undefined {
  return schedule.type === 'once' ? undefined : nextRepeat(schedule, timezone, slot, now, minIntervalMs);
}

function nextRepeat(
  { type, value }: Schedule,
  timezone: string,
  slot: number,
  now: number,
  minIntervalMs: number,
): number {
  if (type === 'cron') {
    const next = parseCron(value, timezone).next(Math.max(slot, now));
    if (next === undefined || next > MAX_INSTANT) throw new ScheduleError(`"${value}" never comes.`);
    return next;
  }
  // A row may have been written by hand.
  if (type !== 'interval')
    throw new ScheduleError(`"${type}" is not a kind of schedule. Write cron, interval or once.`);
  const interval = parseInterval(value, minIntervalMs);
  return slot + interval > now ? slot + interval : now + interval;
}

/**
 * The next runs of a schedule, for people.
 * @param first the next one, milliseconds since the epoch
 * @returns at most `count` of them, in milliseconds since the epoch: `first` alone for a one-time task and a broken schedule
 */
export function runsFrom(
  first: number,
  schedule: Schedule,
  timezone: string,
  count: number,
): readonly number[] {
  const runs = [first];
  try {
    for (let last = first; runs.length < count; runs.push(last)) {
      const next = nextRun(schedule, timezone, last, last, 1);
      if (next === undefined) break;
      last = next;
    }
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
  }
  return runs;
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
