import { describe, expect, it } from 'vitest';
import { firstRun } from '../../../../../src/schedule/schedule.ts';
import { answerToQuestion, readReminder } from './reminder-request.ts';

/** The instant at which the host sends a reminder, and what it says; or that the agent asks. */
function understood(body: string, now: string, zone: string): string {
  const request = readReminder(body, new Date(now), zone);
  if ('question' in request) return 'asks';
  const first = firstRun(request.schedule, zone, Date.parse(now), 1);
  return `${new Date(first).toISOString().replace(/(?:\.000)?Z$/, 'Z')} ${request.what}`;
}

/** Wednesday, 14:05 in Berlin, 08:05 in New York, 18:35 in Kolkata. */
const NOW = '2026-12-02T13:05:00Z';

describe('a reminder in Berlin', () => {
  it.each([
    ['in 10 minutes to stretch', '2026-12-02T13:15:00Z stretch'],
    ['in half an hour to stretch', '2026-12-02T13:35:00Z stretch'],
    ['in an hour and a half to stretch', '2026-12-02T14:35:00Z stretch'],
    ['in 2 hours and 30 minutes to stretch', '2026-12-02T15:35:00Z stretch'],
    ['in 2h30 to stretch', '2026-12-02T15:35:00Z stretch'],
    ['in a half hour to stretch', '2026-12-02T13:35:00Z stretch'],
    ["in 3 days' time to call", '2026-12-05T13:05:00Z call'],
    ['in 2½ hours to stretch', '2026-12-02T15:35:00Z stretch'],
    ['in twenty-five minutes to stretch', '2026-12-02T13:30:00Z stretch'],
    ['in three quarters of an hour to stretch', '2026-12-02T13:50:00Z stretch'],
    ['10 minutes from now to stretch', '2026-12-02T13:15:00Z stretch'],
    ['to buy 2 tickets in 10 minutes', '2026-12-02T13:15:00Z buy 2 tickets'],
    ['in 10 minutes to call Bob at 9', '2026-12-02T13:15:00Z call Bob at 9'],
    ['in 2 days to call', '2026-12-04T13:05:00Z call'],
    ['in 2 days at 9 to call', '2026-12-04T08:00:00Z call'],
    ['in a month to call', '2027-01-02T13:05:00Z call'],
    ['dentist on 12 December at 14:00', '2026-12-12T13:00:00Z dentist'],
    ['to see the dentist on December 12th at 2pm', '2026-12-12T13:00:00Z see the dentist'],
    ['on 12/12 at 9 to call', '2026-12-12T08:00:00Z call'],
    ['on 13.12.2026 at 9 to call', '2026-12-13T08:00:00Z call'],
    ['on 2027-01-05 at 9:30 to call', '2027-01-05T08:30:00Z call'],
    ['on 12 March at 9 to call', '2027-03-12T08:00:00Z call'],
    ['on the 12th at 9 to call', '2026-12-12T08:00:00Z call'],
    ['on the 1st at 9 to call', '2027-01-01T08:00:00Z call'],
    ['on friday at 18:00 to call', '2026-12-04T17:00:00Z call'],
    ['to call at 18:00 on Friday', '2026-12-04T17:00:00Z call'],
    ['friday 6pm to call', '2026-12-04T17:00:00Z call'],
    ['this friday at 18:00 to call', '2026-12-04T17:00:00Z call'],
    ['next monday at 9 to call', '2026-12-07T08:00:00Z call'],
    ['on wednesday at 9 to call', '2026-12-09T08:00:00Z call'],
    ['friday 4 december at 9 to call', '2026-12-04T08:00:00Z call'],
    ['tomorrow morning at 9 to call', '2026-12-03T08:00:00Z call'],
    ['at 7 tomorrow morning to call', '2026-12-03T06:00:00Z call'],
    ['the day after tomorrow at 9 to call', '2026-12-04T08:00:00Z call'],
    ['tonight at 8 to call', '2026-12-02T19:00:00Z call'],
    ['at 8 in the evening to call', '2026-12-02T19:00:00Z call'],
    ['today at 5 to call', '2026-12-02T16:00:00Z call'],
    ['tomorrow at 12 noon to call', '2026-12-03T11:00:00Z call'],
    ['this coming friday at 18h to call', '2026-12-04T17:00:00Z call'],
    ['everyday at 9 to call', '2026-12-03T08:00:00Z call'],
    ['at noon to call', '2026-12-03T11:00:00Z call'],
    ['at midnight to call', '2026-12-02T23:00:00Z call'],
    ['at half past 3 pm to call', '2026-12-02T14:30:00Z call'],
    ["about the 5 o'clock tea tomorrow at 9", "2026-12-03T08:00:00Z the 5 o'clock tea"],
    ['to run 2moro 17:00', '2026-12-03T16:00:00Z run'],
    ['to call Bob fri at 9', '2026-12-04T08:00:00Z call Bob'],
    ['on sun at 9 to call', '2026-12-06T08:00:00Z call'],
    ['tomorrow at 10 30 to call', '2026-12-03T09:30:00Z call'],
    ['at 18:00 to look up the New York time', '2026-12-02T17:00:00Z look up the New York time'],
    ['to call Bob at 5pm tomorrow, thanks', '2026-12-03T16:00:00Z call Bob'],
    ['to read chapter 12 tomorrow at 9', '2026-12-03T08:00:00Z read chapter 12'],
    ['to turn the heater on tomorrow at 9', '2026-12-03T08:00:00Z turn the heater on'],
    ['at 9am about the meeting at 14:00', '2026-12-03T08:00:00Z the meeting at 14:00'],
    ['in a couple of hours to stretch', '2026-12-02T15:05:00Z stretch'],
    ['in a fortnight to call', '2026-12-16T13:05:00Z call'],
    ['at 1900 to eat', '2026-12-02T18:00:00Z eat'],
    ['at nineteen hundred to eat', '2026-12-02T18:00:00Z eat'],
    ['at 17.00 Uhr to call', '2026-12-02T16:00:00Z call'],
    ['tomorrow at 9am to call please', '2026-12-03T08:00:00Z call'],
    ['at 09:00 to call', '2026-12-03T08:00:00Z call'],
    ['tomorrow at 9: buy milk', '2026-12-03T08:00:00Z buy milk'],
    ['tomorrow at 9 to "water every day"', '2026-12-03T08:00:00Z water every day'],
    ['to "call Bob at 9" tomorrow at 8', '2026-12-03T07:00:00Z call Bob at 9'],
    ['every weekday at 9 to stand up', '2026-12-03T08:00:00Z stand up'],
    ['to water the plants every day at 9', '2026-12-03T08:00:00Z water the plants'],
    ['on the 1st of every month at 9 to pay', '2027-01-01T08:00:00Z pay'],
  ])('is set for "%s"', (body, expected) => {
    expect(understood(body, NOW, 'Europe/Berlin')).toBe(expected);
  });

  it.each([
    'to call Bob',
    'tomorrow to call',
    'at 8 to call',
    'at 9 to call mom and at 10 to call dad',
    'to call mom at 9:00 and dad at 10:00',
    'to call mom at 9am and remind me to call dad at 10am',
    'at 9am on wensday to run',
    'at 9am to run wensday',
    'every other monday at 9 bins',
    'every last friday of the month at 9 to drink',
    'by end of day to call',
    'this weekend to clean',
    'to run tom at 9',
    'every day to call',
    'in a few minutes to stretch',
    'on friday to call',
    'next monday to call',
    'tomorrow morning to call',
    'next friday at 9 to call',
    'on wednesday at 18:00 to call',
    'friday 5 december at 9 to call',
    'on 5/12 at 9 to call',
    'on 30 February at 9 to call',
    'on 12 December 2020 at 9 to call',
    'on 1 December at 9 to call',
    'today at 9 to call',
    'yesterday at 9 to call',
    'last friday to call',
    '2 days ago to call',
    'on the first of the month to pay',
    'at the end of the month to pay',
    'next week to call',
    'in december to call',
    'in 3 weeks on monday to call',
    'at 25:00 to sleep',
    'at 5 to call',
    'at 5 to 3 to stretch',
    'at 9 or 10 to call',
    'from 9 to 10 to call',
    'tonight at 12 to call',
    'tomorrow at midnight to call',
    'at 9 CET to call',
    'tomorrow at 9 UTC to call',
    'tomorrow to call Bob at 9',
    'at 9 to call Bob tomorrow',
    'on friday about the meeting at 14:00',
    'to finish by 5pm',
    'to call Bob before tomorrow at 9',
    'to take the pill at 8 and at 20:00',
    'to call Bob at half 3 tomorrow',
    'at 9 to water the plants every day',
    'at 9 to take a pill twice a day',
    'tomorrow at 9 every day to call',
    'every hour and a half to stretch',
    'every day at 9 until friday to call',
    'every monday to friday at 8 to call',
    'every second friday at 9 to call',
    'every 2 days at 9 to call',
    'every 2 weeks on monday at 9 to call',
    'to run friady at 17:00',
    'to run tomrorow at 17:00',
    'the meeting is 9 tomorrow',
    'tomorrow at 10 30 push-ups',
    'tomorrow at nine thirty push-ups',
    'to sit in the sun at 9am',
    'to call Mon at 9pm',
    'at 6pm New York time to call',
    'every tuesday at 17:00 to pay for 3 weeks',
    'every two hours during the day to look up',
    '7 every day',
  ])('is asked about for "%s"', (body) => {
    expect(understood(body, NOW, 'Europe/Berlin')).toBe('asks');
  });
});

describe('a reminder in another zone', () => {
  it.each([
    ['America/New_York', 'at 15:30 to call', '2026-12-02T20:30:00Z call'],
    ['America/New_York', 'at 8am to call', '2026-12-03T13:00:00Z call'],
    ['America/New_York', 'on friday at 18:00 to call', '2026-12-04T23:00:00Z call'],
    ['Asia/Kolkata', 'tomorrow at 9 to call', '2026-12-03T03:30:00Z call'],
    ['Asia/Kolkata', 'tonight at 8 to call', '2026-12-02T14:30:00Z call'],
    ['Asia/Kolkata', 'in 2 days to call', '2026-12-04T13:05:00Z call'],
    // There it is Thursday already.
    ['Pacific/Kiritimati', 'tomorrow at 9 to call', '2026-12-03T19:00:00Z call'],
    ['Pacific/Kiritimati', 'on friday at 18:00 to call', '2026-12-04T04:00:00Z call'],
  ])('(%s) is set for "%s"', (zone, body, expected) => {
    expect(understood(body, NOW, zone)).toBe(expected);
  });

  it.each([
    // Berlin's clocks go from 2:00 to 3:00 on 29 March: it is Saturday, 23:30.
    ['Europe/Berlin', '2026-03-28T22:30:00Z', 'in 3 hours to call', '2026-03-29T01:30:00Z call'],
    ['Europe/Berlin', '2026-03-28T22:30:00Z', 'in 1 day to call', '2026-03-29T21:30:00Z call'],
    ['Europe/Berlin', '2026-03-28T22:30:00Z', 'tomorrow at 9 to call', '2026-03-29T07:00:00Z call'],
    ['Europe/Berlin', '2026-03-28T22:30:00Z', 'tomorrow at 2:30am to call', '2026-03-29T01:30:00Z call'],
    ['Europe/Berlin', '2026-03-28T22:30:00Z', 'on monday at 9 to call', '2026-03-30T07:00:00Z call'],
    ['Europe/Berlin', '2026-03-28T22:30:00Z', 'every day at 9 to call', '2026-03-29T07:00:00Z call'],
    // They go back from 3:00 to 2:00 on 25 October: it is Saturday, 12:00.
    ['Europe/Berlin', '2026-10-24T10:00:00Z', 'in 24 hours to call', '2026-10-25T10:00:00Z call'],
    ['Europe/Berlin', '2026-10-24T10:00:00Z', 'in 1 day to call', '2026-10-25T11:00:00Z call'],
    ['Europe/Berlin', '2026-10-24T10:00:00Z', 'tomorrow at 9 to call', '2026-10-25T08:00:00Z call'],
    // New York's go from 2:00 to 3:00 on 8 March: it is Saturday, 12:00.
    ['America/New_York', '2026-03-07T17:00:00Z', 'tomorrow at 9 to call', '2026-03-08T13:00:00Z call'],
    ['America/New_York', '2026-03-07T17:00:00Z', 'in a week to call', '2026-03-14T16:00:00Z call'],
  ])(
    '(%s, at %s) that is asked for by "%s" keeps to the clocks, which change',
    (zone, now, body, expected) => {
      expect(understood(body, now, zone)).toBe(expected);
    },
  );
});

describe('the answer to a question about a reminder', () => {
  const now = new Date(NOW);
  const answered = (body: string, answer: string) =>
    answerToQuestion(answer, readReminder(body, now, 'Europe/Berlin'), now, 'Europe/Berlin');

  it.each([
    ['to call', 'tomorrow at 9', '2026-12-03T09:00:00'],
    ['to call', 'at 9am', '2026-12-03T09:00:00'],
    ['today at 8 to call', 'yes', '2026-12-02T20:00:00'],
    ['today at 8 to call', 'pm', '2026-12-02T20:00:00'],
    ['on friday at 5 to call', 'pm please', '2026-12-04T17:00:00'],
    ['tonight to call', '9', '2026-12-02T21:00:00'],
    ['on 5/12 at 9 to call', 'the first', '2026-12-05T09:00:00'],
    ['on 5/12 at 9 to call', '5 December', '2026-12-05T09:00:00'],
    ['on 5/12/27 at 9 to call', 'the second', '2027-05-12T09:00:00'],
    ['at 9 to call', 'today', '2026-12-02T21:00:00'],
    ['at 9 to call', 'tomorrow', '2026-12-03T09:00:00'],
    ['at 9 to call', 'pm', '2026-12-02T21:00:00'],
    ['on friday to call', 'at 9', '2026-12-04T09:00:00'],
    ['on friday to call', '9:30', '2026-12-04T09:30:00'],
    ['on friday to call', '9am', '2026-12-04T09:00:00'],
    ['tomorrow morning to call', '10', '2026-12-03T10:00:00'],
    ['on sunday at 5 to call', '17:00', '2026-12-06T17:00:00'],
    ['next friday at 9 to call', 'on 11 December at 9', '2026-12-11T09:00:00'],
    ['every monday to call', 'at 8', '0 8 * * 1'],
    ['every day to call', '8', '0 8 * * *'],
    ['tomorrow to call', '9', '2026-12-03T09:00:00'],
    ['tomorrow to call', '9am', '2026-12-03T09:00:00'],
    ['tomorrow to call', 'at 9', '2026-12-03T09:00:00'],
    ['tomorrow to call', 'noon', '2026-12-03T12:00:00'],
    ['tomorrow at 5 to call', 'pm', '2026-12-03T17:00:00'],
    ['tomorrow at 5 to call', 'in the morning', '2026-12-03T05:00:00'],
    ['tomorrow at 5 to call', 'the second', '2026-12-03T17:00:00'],
    ['every day at 5 to call', 'in the afternoon', '0 17 * * *'],
    ['next friday at 9 to call', 'the second', '2026-12-11T09:00:00'],
    ['next friday at 9 to call', 'the first one', '2026-12-04T09:00:00'],
    ['next friday at 9 to call', 'the 11th', '2026-12-11T09:00:00'],
    ['next friday at 9 to call', '2', '2026-12-11T09:00:00'],
  ])('"%s" is completed by "%s"', (body, answer, value) => {
    expect(answered(body, answer)).toMatchObject({ what: 'call', schedule: { value } });
  });

  it.each([
    ['tomorrow to call', 'in the morning'],
    ['tomorrow to call', 'pm'],
    ['next friday to call', 'the second'],
    ['on friday to call', 'no, saturday'],
    ['on wednesday to call', 'today'],
  ])('"%s" is asked about further after "%s"', (body, answer) => {
    expect(answered(body, answer)).toMatchObject({ question: expect.any(String), what: 'call' });
  });

  it('is not a time of day where the day is not known', () => {
    expect(answered('next friday at 9 to call', 'at 10')).toBeUndefined();
    expect(answered('next friday at 9 to call', 'hello')).toBeUndefined();
    expect(answered('in 5 minutes to call', 'at 10')).toBeUndefined();
  });
});
