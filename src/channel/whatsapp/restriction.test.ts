import { ReachoutTimelockEnforcementType } from '@whiskeysockets/baileys';
import { expect, it } from 'vitest';
import { restrictionIn } from './restriction.ts';

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
