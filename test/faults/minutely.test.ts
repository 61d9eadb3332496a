import { describe, expect, it } from 'vitest';
import type { SlotRun } from './evidence.ts';
import { judgeMinutely } from './minutely.ts';

const at = (minute: number, more: Partial<SlotRun> = {}): SlotRun => ({
  slot: `2026-01-01T00:0${minute}:00.000Z`,
  status: 'succeeded',
  hasEffects: true,
  ...more,
});

describe('the check of a task that is due each minute', () => {
  it('finds nothing where each minute left effects once, though one try was interrupted', () => {
    const cutOff = at(2, { status: 'interrupted', hasEffects: false });
    expect(judgeMinutely([at(1), cutOff, at(2), at(3)])).toEqual({ slots: 3, breaches: [] });
  });

  it.each([
    ['a slot fired twice', [at(1), at(2), at(2)]],
    ['a slot never came', [at(1), at(3)]],
    ['a slot has no end state', [at(1), at(2, { status: 'queued', hasEffects: false })]],
    ['a slot has no end state', [at(1), at(2, { status: 'interrupted', hasEffects: false })]],
  ])('finds the violation: %s', (breach, runs) => {
    expect(judgeMinutely(runs).breaches.map((found) => found.breach)).toEqual([breach]);
  });
});
