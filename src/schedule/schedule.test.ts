import { describe, expect, it } from 'vitest';
import { firstRun, formatLocal, nextRun, runsFrom, type Schedule, ScheduleError } from './schedule.ts';

const BERLIN = 'Europe/Berlin';
const at = (iso: string): number => Date.parse(iso);
const iso = (instant: number | undefined): string | undefined =>
  instant === undefined ? undefined : new Date(instant).toISOString();

describe('the first run of a new schedule', () => {
  const now = at('2026-01-15T10:00:00Z');

  it('is evaluated in the configured time zone for a cron expression', () => {
    expect(iso(firstRun({ type: 'cron', value: '0 9 * * *' }, BERLIN, now))).toBe('2026-01-16T08:00:00.000Z');
  });

  it('is one interval from now for an interval', () => {
    expect(iso(firstRun({ type: 'interval', value: '60000' }, BERLIN, now))).toBe('2026-01-15T10:01:00.000Z');
  });

  it('is in the zone for a local time without offset, and as written for one with an offset', () => {
    expect(iso(firstRun({ type: 'once', value: '2026-01-15T15:30:00' }, BERLIN, now))).toBe(
      '2026-01-15T14:30:00.000Z',
    );
    expect(iso(firstRun({ type: 'once', value: '2026-01-15T15:30:00-05:00' }, BERLIN, now))).toBe(
      '2026-01-15T20:30:00.000Z',
    );
  });

  it.each<[Schedule, RegExp]>([
    [{ type: 'cron', value: 'every day' }, /five fields/],
    [{ type: 'cron', value: '61 * * * *' }, /five fields/],
    [{ type: 'interval', value: '5m' }, /whole milliseconds/],
    [{ type: 'interval', value: '10' }, /whole milliseconds/],
    [{ type: 'interval', value: '-5000' }, /whole milliseconds/],
    [{ type: 'interval', value: '59999' }, /from 60000/],
    [{ type: 'cron', value: '0 9 * *' }, /it has 4 of them.*five fields/],
    [{ type: 'cron', value: '0 0 9 * * *' }, /it has 6 of them.*five fields/],
    [{ type: 'cron', value: '@reboot' }, /@daily/],
    [{ type: 'once', value: '+012000-01-01T00:00:00' }, /year 9999/],
    [{ type: 'once', value: 'tomorrow' }, /local time like/],
    [{ type: 'once', value: '2020-01-01T00:00:00' }, /in the past/],
  ])('a schedule of %j is refused with an error that says what is accepted', (schedule, words) => {
    expect(() => firstRun(schedule, BERLIN, now)).toThrow(ScheduleError);
    expect(() => firstRun(schedule, BERLIN, now)).toThrow(words);
  });

  it('is accepted when its time passed a moment ago: the request was on its way', () => {
    expect(firstRun({ type: 'once', value: '2026-01-15T09:59:55Z' }, BERLIN, now)).toBe(now - 5_000);
  });

  it('may be an interval as short as the owner allows', () => {
    expect(firstRun({ type: 'interval', value: '5000' }, BERLIN, now, 5_000)).toBe(now + 5_000);
    expect(() => firstRun({ type: 'interval', value: '4999' }, BERLIN, now, 5_000)).toThrow(/from 5000/);
  });
});

describe('the run after a claimed one', () => {
  it('does not exist for a one-time task', () => {
    expect(nextRun({ type: 'once', value: '2026-01-15T15:30:00' }, BERLIN, 0, 1)).toBeUndefined();
  });

  it('keeps the rhythm of an interval, and continues from now after missed slots', () => {
    const hourly: Schedule = { type: 'interval', value: '3600000' };
    const slot = at('2026-01-15T10:00:00Z');
    expect(iso(nextRun(hourly, BERLIN, slot, slot + 300))).toBe('2026-01-15T11:00:00.000Z');
    expect(iso(nextRun(hourly, BERLIN, slot, at('2026-01-17T09:30:00Z')))).toBe('2026-01-17T10:30:00.000Z');
  });

  it('skips missed slots of a cron expression', () => {
    const daily: Schedule = { type: 'cron', value: '0 9 * * *' };
    expect(iso(nextRun(daily, BERLIN, at('2026-01-10T08:00:00Z'), at('2026-01-15T10:00:00Z')))).toBe(
      '2026-01-16T08:00:00.000Z',
    );
  });

  it('is one per day for a cron expression over both daylight-saving changes', () => {
    const daily: Schedule = { type: 'cron', value: '30 2 * * *' };
    for (const start of ['2026-03-27T12:00:00Z', '2026-10-23T12:00:00Z']) {
      const days: string[] = [];
      let slot = at(start);
      for (let n = 0; n < 4; n++) {
        slot = nextRun(daily, BERLIN, slot, slot) ?? Number.NaN;
        days.push(formatLocal(slot, BERLIN).slice(4, 10));
      }
      expect(new Set(days).size).toBe(4);
    }
  });

  it.each([
    ['30 2 * * *', '2026-10-25T00:30:00Z', '2026-10-25T01:10:00Z', '2026-10-26T01:30:00.000Z'],
    ['*/30 * * * *', '2026-10-25T00:30:00Z', '2026-10-25T01:10:00Z', '2026-10-25T01:30:00.000Z'],
    ['0 9 * * *', '2026-10-20T07:00:00Z', '2026-10-25T01:10:00Z', '2026-10-25T08:00:00.000Z'],
  ])(
    'the run of %s claimed late, in an hour that occurs twice, is not at the same time of day again',
    (value, slot, now, next) => {
      expect(iso(nextRun({ type: 'cron', value }, BERLIN, at(slot), at(now)))).toBe(next);
    },
  );
});

describe('the next runs', () => {
  const first = at('2026-01-15T08:00:00Z');

  it.each<[Schedule, string[]]>([
    [{ type: 'cron', value: '0 9 * * *' }, ['2026-01-16T08:00:00.000Z', '2026-01-17T08:00:00.000Z']],
    [{ type: 'interval', value: '3600000' }, ['2026-01-15T09:00:00.000Z', '2026-01-15T10:00:00.000Z']],
    [{ type: 'once', value: '2026-01-15T09:00:00' }, []],
    [{ type: 'cron', value: 'nonsense' }, []],
  ])('the next runs of %j follow the first one', (schedule, others) => {
    expect(runsFrom(first, schedule, BERLIN, 3).map(iso)).toEqual([iso(first), ...others]);
  });
});
