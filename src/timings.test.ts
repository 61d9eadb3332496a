import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMINGS, Timings } from './timings.ts';

describe('the timings', () => {
  it('name each field in milliseconds and describe it', () => {
    for (const [name, field] of Object.entries(Timings.unwrap().shape)) {
      expect(name).toMatch(/Ms$/);
      expect(field.description, name).toMatch(/in milliseconds/);
    }
  });

  it('default where they are not given', () => {
    expect(Timings.parse({ killGraceMs: 1, resendDelaysMs: [1, 2] })).toEqual({
      ...DEFAULT_TIMINGS,
      killGraceMs: 1,
      resendDelaysMs: [1, 2],
    });
  });

  it('cannot be changed in place', () => {
    for (const frozen of [DEFAULT_TIMINGS, DEFAULT_TIMINGS.turnRetryDelaysMs, DEFAULT_TIMINGS.resendDelaysMs])
      expect(Object.isFrozen(frozen)).toBe(true);
  });

  it.each([
    ['unknown fields', { graceMs: 1 }],
    ['negative times', { killGraceMs: -1 }],
    ['fractions of a millisecond', { killGraceMs: 0.5 }],
    ['times beyond what a timer can hold', { killGraceMs: 2 ** 31 }],
    ['another number of retries', { turnRetryDelaysMs: [1, 2, 3] }],
  ])('refuse %s', (_, given) => {
    expect(Timings.safeParse(given).success).toBe(false);
  });
});
