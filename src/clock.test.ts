import { expect, it } from 'vitest';
import { HOUR, Pauses, parseInstant, SECOND } from './clock.ts';

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

it.each([-5 * HOUR, 5 * HOUR])('a pause has its length although the clock is set by %i ms in it', (ms) => {
  const clock = { at: 0, passed: 0, now: () => clock.at, elapsed: () => clock.passed };
  const pauses = new Pauses<string>(clock);
  expect(pauses.left('chat')).toBeUndefined();
  pauses.begin('chat', 10 * SECOND);
  clock.at += ms;
  expect(pauses.left('chat')).toBe(10 * SECOND);
  clock.passed += 10 * SECOND;
  expect(pauses.left('chat')).toBe(0);
  pauses.end('chat');
  expect(pauses.left('chat')).toBeUndefined();
});
