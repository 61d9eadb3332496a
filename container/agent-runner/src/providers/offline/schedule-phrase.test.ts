import { describe, expect, it } from 'vitest';
import { describeSchedule, parseEvery, parseOnce, ScheduleProblem } from './schedule-phrase.ts';

const ZONE = 'Europe/Berlin';
/** 14:05:06.789 in Berlin. */
const NOW = new Date('2026-03-02T13:05:06.789Z');

describe('a one-time schedule', () => {
  it.each([
    ['in 3 seconds', '2026-03-02T13:05:09.789Z'],
    ['in 1.5 s', '2026-03-02T13:05:08.289Z'],
    ['in 10 minutes', '2026-03-02T13:15:06.789Z'],
    ['in an hour', '2026-03-02T14:05:06.789Z'],
    ['in 2 days', '2026-03-04T13:05:06.789Z'],
    ['in 1 week', '2026-03-09T13:05:06.789Z'],
  ])('%s is an instant to the millisecond', (phrase, value) => {
    expect(parseOnce(phrase, NOW, ZONE)).toEqual({ type: 'once', value });
  });

  it.each([
    ['at 15:30', '2026-03-02T15:30:00'],
    ['at 3pm', '2026-03-02T15:00:00'],
    ['at 12 am', '2026-03-03T00:00:00'],
    ['at 12pm', '2026-03-03T12:00:00'],
    ['at 8', '2026-03-03T08:00:00'],
    ['at 14:05', '2026-03-03T14:05:00'],
    ['tomorrow at 15:30', '2026-03-03T15:30:00'],
    ['at 15:30 tomorrow', '2026-03-03T15:30:00'],
    ['tomorrow', '2026-03-03T14:05:00'],
  ])('%s is the next such local time', (phrase, value) => {
    expect(parseOnce(phrase, NOW, ZONE)).toEqual({ type: 'once', value });
  });

  it('goes over the ends of months and years by the local calendar', () => {
    const newYearsEve = new Date('2026-12-31T23:30:00Z');
    expect(parseOnce('at 0:15', newYearsEve, ZONE).value).toBe('2027-01-02T00:15:00');
    expect(parseOnce('at 23:45', newYearsEve, 'UTC').value).toBe('2026-12-31T23:45:00');
  });

  it.each(['in 0 seconds', 'in 999999999 weeks', 'at 25:00', 'at 9:75', 'at 13pm', 'at 0 am'])(
    '%s is refused',
    (phrase) => {
      expect(() => parseOnce(phrase, NOW, ZONE)).toThrow(ScheduleProblem);
    },
  );
});

describe('a recurring schedule', () => {
  it.each([
    ['every 5 minutes', 'interval', '300000'],
    ['every hour', 'interval', '3600000'],
    ['every 2 hours', 'interval', '7200000'],
    ['every day', 'interval', '86400000'],
    ['every day at 9:00', 'cron', '0 9 * * *'],
    ['every monday at 8', 'cron', '0 8 * * 1'],
    ['every Sunday at 6:30pm', 'cron', '30 18 * * 0'],
    ['every weekday at 7.15', 'cron', '15 7 * * 1-5'],
  ])('%s is understood', (phrase, type, value) => {
    expect(parseEvery(phrase)).toEqual({ type, value });
  });

  it.each(['every monday', 'every 2 days at 9', 'every day at 24:00', 'every 0 minutes'])(
    '%s is refused',
    (phrase) => {
      expect(() => parseEvery(phrase)).toThrow(ScheduleProblem);
    },
  );

  it.each([
    ['interval', '60000', 'every minute'],
    ['interval', '5400000', 'every 90 minutes'],
    ['interval', '1500', 'every 1.5 seconds'],
    ['cron', '0 9 * * *', 'every day at 09:00'],
    ['cron', '30 18 * * 0', 'every Sunday at 18:30'],
    ['cron', '*/5 * * * *', 'cron */5 * * * *'],
    ['once', '2026-03-02T15:30:00', 'once'],
  ] as const)('%s %s is shown as %s', (type, value, words) => {
    expect(describeSchedule({ type, value })).toBe(words);
  });
});
