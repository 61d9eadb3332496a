import { afterEach, expect, it, vi } from 'vitest';
import { quietLibsignal } from './libsignal-console.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

it('the console drops libsignal’s dumps while any caller wants that, and nothing else', () => {
  const info = vi.spyOn(console, 'info').mockReturnValue(undefined);
  const [first, second] = [quietLibsignal(), quietLibsignal()];
  first();
  first();
  console.info('Closing session:', { privKey: 'secret' });
  console.info('something useful');
  second();
  console.info('Closing session:', 'now it passes');
  expect(info.mock.calls).toEqual([['something useful'], ['Closing session:', 'now it passes']]);
});
