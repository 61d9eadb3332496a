import { describe, expect, it } from 'vitest';
import { isStaleSession } from './stale-session.ts';

describe('a stale session', () => {
  it.each([
    'No conversation found with session ID: 7d1f',
    'Error: Session not found',
    'Error: Session 7d1f-40 not found',
    'exit code 1: session with ID "7d1f" was not found in /home/node/.claude',
    'sessionId 7d1f not found',
    "ENOENT: no such file or directory, open '/home/node/.claude/projects/-workspace-group/7d1f.jsonl'",
    'Expecting value: line 1 column 1 (char 0)',
    'no rollout found for thread id 7d1f',
    'No conversation found with session ID: 0199a213-4040-7500-8404-bbab2a035a53',
    'File "session.py", line 404, in load: Expecting value: line 1 column 1 (char 0)',
  ])('is recognized by %j', (error) => {
    expect(isStaleSession(error)).toBe(true);
  });

  it.each([
    '401 Unauthorized',
    'connect ECONNREFUSED 127.0.0.1:443',
    "ENOENT: no such file or directory, open '/workspace/group/notes.txt'",
    'The model claude-x was not found',
    'rate limit reached, session limit resets at 5pm',
    'session started\nThe file notes.txt was not found',
    'unexpected status 404 Not Found: session not found, url: http://127.0.0.1:1/v1/responses',
    '404 Session not found',
    'Error code: 404 - session not found',
    'API Error: 502 {"error":{"message":"Expecting value: line 1 column 1 (char 0)"}}',
    "EACCES: permission denied, open '/home/node/.claude/projects/-workspace-group/7d1f.jsonl'",
  ])('is not recognized by %j', (error) => {
    expect(isStaleSession(error)).toBe(false);
  });
});
