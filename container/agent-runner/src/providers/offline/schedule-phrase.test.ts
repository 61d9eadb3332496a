import { describe, expect, it } from 'vitest';
import { readWhen } from './schedule-phrase.ts';
import { describeSchedule } from './schedule-words.ts';

const ZONE = 'Europe/Berlin';
/** 14:05:06.789 on a Monday in Berlin. */
const NOW = new Date('2026-03-02T13:05:06.789Z');

const planOf = (phrase: string, now = NOW, zone = ZONE) => readWhen(phrase, now, zone)?.plan;

describe('a one-time schedule', () => {
  it.each([
    ['in 3 seconds', '2026-03-02T13:05:09.789Z'],
    ['in 1.5 s', '2026-03-02T13:05:08.289Z'],
    ['in 10 minutes', '2026-03-02T13:15:06.789Z'],
    ['in an hour', '2026-03-02T14:05:06.789Z'],
    ['in 2 days', '2026-03-04T14:05:00'],
    ['in 1 week', '2026-03-09T14:05:00'],
  ])('"%s" is an instant to the millisecond, or the same time on another day', (phrase, value) => {
    expect(planOf(phrase)).toEqual({ type: 'once', value });
  });

  it.each([
    ['at 15:30', '2026-03-02T15:30:00'],
    ['at 3pm', '2026-03-02T15:00:00'],
    ['at 12 am', '2026-03-03T00:00:00'],
    ['at 12pm', '2026-03-03T12:00:00'],
    ['at 8am', '2026-03-03T08:00:00'],
    ['at 14:05', '2026-03-03T14:05:00'],
    ['tomorrow at 15:30', '2026-03-03T15:30:00'],
    ['at 15:30 tomorrow', '2026-03-03T15:30:00'],
  ])('"%s" is the next such local time', (phrase, value) => {
    expect(planOf(phrase)).toEqual({ type: 'once', value });
  });

  it('goes over the ends of months and years by the local calendar', () => {
    const newYearsEve = new Date('2026-12-31T23:30:00Z');
    expect(planOf('at 0:15', newYearsEve)).toEqual({ type: 'once', value: '2027-01-02T00:15:00' });
    expect(planOf('at 23:45', newYearsEve, 'UTC')).toEqual({ type: 'once', value: '2026-12-31T23:45:00' });
  });

  it.each(['in 0 seconds', 'in 999999999 weeks', 'at 25:00', 'at 9:75', 'at 13pm', 'at 0 am'])(
    '"%s" is answered with what is wrong with it',
    (phrase) => {
      expect(planOf(phrase)).toMatch(/no time|not a time|too far/);
    },
  );
});

describe('a recurring schedule', () => {
  it.each([
    ['every 5 minutes', 'interval', '300000'],
    ['every hour', 'interval', '3600000'],
    ['every half hour', 'interval', '1800000'],
    ['every 2 hours', 'interval', '7200000'],
    ['every other day', 'interval', '172800000'],
    ['every day at 9:00', 'cron', '0 9 * * *'],
    ['daily at 9 a.m.', 'cron', '0 9 * * *'],
    ['every day at 9 and 18', 'cron', '0 9,18 * * *'],
    ['every evening at 8', 'cron', '0 20 * * *'],
    ['every monday at 8', 'cron', '0 8 * * 1'],
    ['on mondays at 8', 'cron', '0 8 * * 1'],
    ['every tuesday, thursday and Sunday at 8', 'cron', '0 8 * * 0,2,4'],
    ['every Sunday at 6:30pm', 'cron', '30 18 * * 0'],
    ['every weekday at 7.15', 'cron', '15 7 * * 1-5'],
    ['every weekend at 10', 'cron', '0 10 * * 0,6'],
    ['on the first of every month at 9', 'cron', '0 9 1 * *'],
    ['every month on the 15th at 9', 'cron', '0 9 15 * *'],
    ['on the last day of every month at 9', 'cron', '0 9 L * *'],
    ['every year on 12 December at 9', 'cron', '0 9 12 12 *'],
  ])('"%s" is understood', (phrase, type, value) => {
    expect(planOf(phrase)).toEqual({ type, value });
  });

  it.each([
    'tomorrow',
    'every day',
    'every week',
    'every monday',
    'every morning',
    'every month',
    'every 2 days at 9',
    'every day at 24:00',
    'every day at 6',
    'every day at 8:00 and 12:30',
    'every 0 minutes',
    'every month on the 31st at 9',
    'every year on 30 February at 9',
  ])('"%s" is asked about', (phrase) => {
    expect(planOf(phrase)).toEqual(expect.any(String));
  });

  it.each(['every second friday at 9', 'every first monday of the month at 9', 'every quarter', 'everyone'])(
    '"%s" is not taken for a schedule',
    (phrase) => {
      expect(readWhen(phrase, NOW, ZONE)).toBeUndefined();
    },
  );

  it.each([
    ['interval', '60000', 'every minute'],
    ['interval', '5400000', 'every 90 minutes'],
    ['interval', '1500', 'every 1.5 seconds'],
    ['cron', '0 9 * * *', 'every day at 09:00'],
    ['cron', '30 18 * * 0', 'every Sunday at 18:30'],
    ['cron', '0 8 * * 1,4', 'every Monday and Thursday at 08:00'],
    ['cron', '0 9,18 * * 1-5', 'every weekday at 09:00 and 18:00'],
    ['cron', '0 9 1 * *', 'every month on day 1 at 09:00'],
    ['cron', '0 9 L * *', 'on the last day of every month at 09:00'],
    ['cron', '0 9 12 12 *', 'every year on 12 December at 09:00'],
    ['cron', '*/5 * * * *', 'cron */5 * * * *'],
    ['once', '2026-03-02T15:30:00', 'once'],
  ] as const)('%s %s is shown as "%s"', (type, value, words) => {
    expect(describeSchedule({ type, value })).toBe(words);
  });
});
