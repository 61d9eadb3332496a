import { describe, expect, it } from 'vitest';
import { Cron } from './cron.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const FIRST = Date.UTC(2026, 0, 1);
const LAST = Date.UTC(2029, 0, 1);

/** Minutes that a zone is ahead of UTC, by Intl alone. */
function offsetReader(timeZone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  return (instant) => {
    const text = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?$/.exec(text) ?? [];
    return (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * (sign === '-' ? -1 : 1);
  };
}

interface Zone {
  readonly zone: string;
  readonly offset: (instant: number) => number;
}

interface Change {
  readonly zone: string;
  /** The first minute with the new offset. */
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

/** The changes of a zone's offset in the three years; no two are within a week. */
function changesOf({ zone, offset }: Zone): readonly Change[] {
  const changes: Change[] = [];
  for (let week = FIRST; week < LAST; week += 7 * DAY) {
    const [before, after] = [offset(week), offset(week + 7 * DAY)];
    if (after === before) continue;
    let [kept, at] = [week, week + 7 * DAY];
    while (at - kept > MINUTE) {
      const middle = kept + Math.floor((at - kept) / MINUTE / 2) * MINUTE;
      if (offset(middle) === before) kept = middle;
      else at = middle;
    }
    changes.push({ zone, at, before, after });
  }
  return changes;
}

/** Of all changes of all zones one of each kind: the same offsets, at the same time of the day. */
function kindsOfChanges(zones: readonly Zone[]): readonly Change[] {
  const changes = zones.flatMap(changesOf);
  const kindOf = ({ at, before, after }: Change): string => `${before} ${after} ${at % DAY}`;
  return [...new Map(changes.map((change) => [kindOf(change), change])).values()];
}

type Wall = (minute: number, hour: number, date: Date) => boolean;

/**
 * The rule, minute by minute: what the wall clock shows, or what it reaches that it had not reached before.
 */
function expected(change: Change, from: number, until: number, fires: Wall, everyHour: boolean): number[] {
  const wallAt = (at: number): number => at + (at < change.at ? change.before : change.after) * MINUTE;
  const matches = (wall: number): boolean => {
    const date = new Date(wall);
    return fires(date.getUTCMinutes(), date.getUTCHours(), date);
  };
  const found: number[] = [];
  let reached = wallAt(from);
  for (let at = from + MINUTE; at <= until; at += MINUTE) {
    const wall = wallAt(at);
    let isDue = everyHour && matches(wall);
    for (; !everyHour && reached < wall; reached += MINUTE) isDue ||= matches(reached + MINUTE);
    if (isDue) found.push(at);
  }
  return found;
}

function fired(expression: string, zone: string, from: number, until: number): number[] {
  const cron = new Cron(expression, zone);
  const found: number[] = [];
  for (let at = cron.next(from); at !== undefined && at <= until; at = cron.next(at)) found.push(at);
  return found;
}

const iso = (instants: readonly number[]): string[] => instants.map((at) => new Date(at).toISOString());

describe('a cron expression across each kind of change that a zone has in three years', () => {
  const zones = Intl.supportedValuesOf('timeZone').map((zone) => ({ zone, offset: offsetReader(zone) }));
  const changes = kindsOfChanges(zones);

  it('meets zones that change by half an hour, by two hours, and at midnight', () => {
    const sizes = new Set(changes.map(({ before, after }) => after - before));
    expect([...sizes]).toEqual(expect.arrayContaining([30, -30, 60, -60, 120, -120]));
    expect(changes.map(({ zone }) => zone)).toContain('Asia/Beirut');
    expect(changes.length).toBeGreaterThan(20);
  });

  it.each<[string, number, boolean, Wall]>([
    ['0 9 * * *', 30 * HOUR, false, (minute, hour) => minute === 0 && hour === 9],
    ['30 2 * * *', 30 * HOUR, false, (minute, hour) => minute === 30 && hour === 2],
    ['15 1,2 * * *', 30 * HOUR, false, (minute, hour) => minute === 15 && (hour === 1 || hour === 2)],
    ['0 0 * * *', 30 * HOUR, false, (minute, hour) => minute === 0 && hour === 0],
    ['0 */2 * * *', 10 * HOUR, false, (minute, hour) => minute === 0 && hour % 2 === 0],
    ['*/20 2 * * *', 30 * HOUR, false, (minute, hour) => minute % 20 === 0 && hour === 2],
    ['7 * * * *', 6 * HOUR, true, (minute) => minute === 7],
    ['*/15 * * * *', 3 * HOUR, true, (minute) => minute % 15 === 0],
    ['*/15 * * * 0', 3 * HOUR, true, (minute, _, date) => minute % 15 === 0 && date.getUTCDay() === 0],
  ])('%s fires when the wall clock says so, and never twice', (expression, around, everyHour, fires) => {
    for (const change of changes) {
      const [from, until] = [change.at - around, change.at + around];
      const found = iso(fired(expression, change.zone, from, until));
      const wanted = iso(expected(change, from, until, fires, everyHour));
      expect(found, `${change.zone} at ${new Date(change.at).toISOString()}`).toEqual(wanted);
    }
  });

  it('0 9 * * * fires at nine in every zone', () => {
    for (const { zone, offset } of zones) {
      const nine = FIRST + (9 * 60 - offset(FIRST)) * MINUTE;
      const next = nine > FIRST ? nine : nine + DAY;
      expect(iso([new Cron('0 9 * * *', zone).next(FIRST) ?? 0]), zone).toEqual(iso([next]));
    }
  });
});

describe('a cron expression', () => {
  it('fires once for the times of a day that a zone left out, at the first instant after it', () => {
    const until = Date.UTC(2012, 0, 1);
    expect(iso(fired('0 9 * * *', 'Pacific/Apia', Date.UTC(2011, 11, 29, 12), until))).toEqual([
      '2011-12-29T19:00:00.000Z',
      '2011-12-30T10:00:00.000Z',
      '2011-12-30T19:00:00.000Z',
      '2011-12-31T19:00:00.000Z',
    ]);
  });

  it('fires again in an hour that the zone repeats at the end of a day, when it fires in each hour of that day', () => {
    // Cairo goes back from midnight to 23:00 of 29 October.
    const from = Date.UTC(2026, 9, 29, 20, 50);
    expect(iso(fired('50 * 29 10 *', 'Africa/Cairo', from, from + 2 * DAY))).toEqual([
      '2026-10-29T21:50:00.000Z',
    ]);
  });

  it('finds a leap day years ahead', () => {
    expect(iso(fired('0 * 29 2 *', 'Europe/Berlin', FIRST, Date.UTC(2028, 1, 28, 23)))).toEqual([
      '2028-02-28T23:00:00.000Z',
    ]);
  });

  it.each([
    ['@yearly', '2027-01-01T00:00:00.000Z'],
    ['@annually', '2027-01-01T00:00:00.000Z'],
    ['@monthly', '2026-02-01T00:00:00.000Z'],
    ['@weekly', '2026-01-04T00:00:00.000Z'],
    ['@daily', '2026-01-02T00:00:00.000Z'],
    ['@Midnight', '2026-01-02T00:00:00.000Z'],
    ['@hourly', '2026-01-01T01:00:00.000Z'],
    ['0 9 L * *', '2026-01-31T09:00:00.000Z'],
    ['0 9 * * FRIL', '2026-01-30T09:00:00.000Z'],
    ['0 9 * * 5#2', '2026-01-09T09:00:00.000Z'],
    ['0 9 ? * FRI', '2026-01-02T09:00:00.000Z'],
    ['0 9 5 * ?', '2026-01-05T09:00:00.000Z'],
    ['0 9 * jul MON-fri', '2026-07-01T09:00:00.000Z'],
    ['  0   9 * *\t7 ', '2026-01-04T09:00:00.000Z'],
  ])('%s is accepted and fires at %s', (expression, next) => {
    expect(iso([new Cron(expression, 'UTC').next(FIRST) ?? 0])).toEqual([next]);
  });

  it.each([
    ['0 9 * *', '4 of them'],
    ['9', '1 of them'],
    ['', '1 of them'],
    ['0 0 9 * * *', '6 of them'],
    ['0 0 9 * * * 2026', '7 of them'],
    ['H 9 * * *', '"h" is not a possible minute'],
    ['H(0-30) 9 * * *', 'is not a possible minute'],
    ['0 9 1,? * *', '"?"'],
    ['? 9 * * *', '"?" is not a possible minute'],
    ['0 9 15W * *', 'is not a possible day'],
    ['0 9 L-3 * *', 'is not a possible day'],
    ['0 9 15L * *', 'is not a possible day'],
    ['0 9 * * L', 'is not a possible weekday'],
    ['0 9 * * 1#6', 'is not a possible weekday'],
    ['0 9 * * monday', 'is not a possible weekday'],
    ['0 9 * mon *', 'is not a possible month'],
    ['0 9 * * jan', 'is not a possible weekday'],
    ['0 9 * 13 *', '1-12'],
    ['0 9 * 0 *', '1-12'],
    ['60 9 * * *', '0-59'],
    ['0 24 * * *', '0-23'],
    ['0 9 32 * *', '1-31'],
    ['0 9 * * 8', 'is not a possible weekday'],
    ['0 9 31 2 *', 'day of month'],
    ['*/90 * * * *', 'step'],
    ['*/0 * * * *', 'step'],
    ['1,,2 * * * *', '"" is not a possible minute'],
    ['-5 * * * *', 'is not a possible minute'],
    ['1.5 * * * *', 'is not a possible minute'],
    ['30-10 * * * *', 'min'],
    ['@reboot', '@daily'],
    ['@secondly', '@daily'],
    ['@minutely', '@daily'],
    ['@weekdays', '@daily'],
    ['@daily 9', '@daily'],
  ])('%s is refused, and the error says what is wrong', (expression, words) => {
    expect(() => new Cron(expression, 'UTC')).toThrow(words);
  });
});
