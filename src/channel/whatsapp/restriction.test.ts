import { ReachoutTimelockEnforcementType } from '@whiskeysockets/baileys';
import { expect, it } from 'vitest';
import { RestrictionReports, restrictionIn } from './restriction.ts';

const enforcementType = ReachoutTimelockEnforcementType.DEFAULT;

it('a restriction says what is not allowed, and until when if that is known', () => {
  const ends = new Date(Date.UTC(2026, 0, 2));
  expect(restrictionIn({ isActive: true, timeEnforcementEnds: ends, enforcementType })).toMatch(
    /begin chats .* until 2026-01-02T00:00:00.000Z$/,
  );
  expect(restrictionIn({ isActive: true, enforcementType })).toMatch(/not talked to$/);
});

it('a lifted restriction is no restriction', () => {
  expect(restrictionIn({ isActive: false, enforcementType })).toBeUndefined();
});

it('a late answer that there is no restriction does not hide one that a message met after the question', async () => {
  const told: (string | undefined)[] = [];
  const reports = new RestrictionReports((reason) => void told.push(reason));
  let asked = 0;
  await reports.ask(async () => {
    asked += 1;
    if (asked === 1) reports.refused('No new chats');
    reports.told({ isActive: false, enforcementType });
  });
  // It is asked again, and what is answered then holds.
  expect([asked, told]).toEqual([2, ['No new chats', undefined]]);
  reports.refused('Again');
  reports.told({ isActive: false, enforcementType });
  expect(told.slice(2)).toEqual(['Again', undefined]);
});
