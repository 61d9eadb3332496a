import { expect, it } from 'vitest';
import { MountedKeys } from './mounted-keys.ts';

const ALL = {
  ANTHROPIC_API_KEY: 'a',
  ANTHROPIC_BASE_URL: 'http://a',
  OPENAI_API_KEY: 'o',
  KIMI_API_KEY: 'k',
  HOME: '/root',
};

it('a run gets the variables of its own provider and no others', async () => {
  const keys = new MountedKeys(() => ALL);
  expect((await keys.issue({ provider: 'claude' })).env).toEqual({
    ANTHROPIC_API_KEY: 'a',
    ANTHROPIC_BASE_URL: 'http://a',
  });
  expect((await keys.issue({ provider: 'offline' })).env).toEqual({});
});

it('a changed key is used by the next run', async () => {
  let key = 'old';
  const keys = new MountedKeys(() => ({ KIMI_API_KEY: key }));
  await keys.issue({ provider: 'kimi' });
  key = 'new';
  expect((await keys.issue({ provider: 'kimi' })).env).toEqual({ KIMI_API_KEY: 'new' });
});
