import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { showTyping } from './typing.ts';

const CHAT = 'family@g.us';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function rig() {
  const shown: boolean[] = [];
  const channel = { setTyping: async (_: string, typing: boolean) => void shown.push(typing) };
  return { shown, end: showTyping(channel, CHAT, 10_000) };
}

it('typing is shown at once and repeated, because a phone forgets it by itself', () => {
  const { shown, end } = rig();
  expect(shown).toEqual([true]);
  vi.advanceTimersByTime(25_000);
  expect(shown).toEqual([true, true, true]);
  end();
});

it('typing ends once, and is not shown again afterwards', () => {
  const { shown, end } = rig();
  end();
  end();
  vi.advanceTimersByTime(60_000);
  expect(shown).toEqual([true, false]);
  expect(vi.getTimerCount()).toBe(0);
});
