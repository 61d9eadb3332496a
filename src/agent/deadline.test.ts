import { expect, it } from 'vitest';
import { deadlineMs, softDeadlineMs } from './deadline.ts';

it('a group’s own timeout counts, and a waiting sandbox is not ended before its idle timeout', () => {
  expect(deadlineMs(undefined, 60_000, 0, 30_000)).toBe(60_000);
  expect(deadlineMs(5_000, 60_000, 0, 0)).toBe(5_000);
  expect(deadlineMs(5_000, 60_000, 10_000, 30_000)).toBe(40_000);
});

it.each([
  ['of a group', 10 ** 15, 0],
  ['of a wait for follow-ups', undefined, 2 ** 31 - 1],
])('a time %s beyond what a timer can hold does not end every turn at once', (_, group, idle) => {
  expect(deadlineMs(group, 60_000, idle, 30_000)).toBe(2 ** 31 - 1);
  expect(softDeadlineMs(deadlineMs(group, 60_000, idle, 30_000))).toBe(2 ** 31 - 1 - 120_000);
});
