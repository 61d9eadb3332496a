import { expect, it } from 'vitest';
import { parseInstant } from './clock.ts';

it.each([
  ['2026-03-02 08:00:00', Date.UTC(2026, 2, 2, 8)],
  ['2026-03-02 08:00:00.123', Date.UTC(2026, 2, 2, 8, 0, 0, 123)],
  ['2026-03-02T08:00', Date.UTC(2026, 2, 2, 8)],
  ['2026-03-02', Date.UTC(2026, 2, 2)],
  ['2026-03-02T08:00:00+02:00', Date.UTC(2026, 2, 2, 6)],
  ['2026-03-02 08:00:00Z', Date.UTC(2026, 2, 2, 8)],
  ['soon', Number.NaN],
  ['', Number.NaN],
])('the instant %j of a row is UTC unless it has an offset', (text, instant) => {
  expect(parseInstant(text)).toBe(instant);
});
