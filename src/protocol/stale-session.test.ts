import { describe, expect, it } from 'vitest';
import { isStaleSession } from './stale-session.ts';

describe('a stale session', () => {
  it.each([
    'No conversation found with session ID: 7d1f',
    'Error: Session not found',
    "ENOENT: no such file or directory, open '/home/node/.claude/projects/-workspace-group/7d1f.jsonl'",
    'Expecting value: line 1 column 1 (char 0)',
    'no rollout found for thread id 7d1f',
  ])('is told by %j', (error) => {
    expect(isStaleSession(error)).toBe(true);
  });

  it.each([
    '401 Unauthorized',
    'connect ECONNREFUSED 127.0.0.1:443',
    "ENOENT: no such file or directory, open '/workspace/group/notes.txt'",
    'The model claude-x was not found',
    'rate limit reached, session limit resets at 5pm',
  ])('is not told by %j', (error) => {
    expect(isStaleSession(error)).toBe(false);
  });
});
