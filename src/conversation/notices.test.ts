import { describe, expect, it } from 'vitest';
import { failureNotice, findFailure } from './notices.ts';

const OUTCOME = {
  reason: 'exited',
  exitCode: 1,
  frames: 1,
  error: 'exit code 1',
  retryable: true,
  logFile: 'container-1.log',
  durationMs: 1,
} as const;

describe('what the chat is told of a failed turn', () => {
  it('is the cause in plain words, what the owner can do about it, and the log’s name', () => {
    const failure = findFailure(OUTCOME, {
      status: 'error',
      error: '401 invalid x-api-key',
      errorKind: 'key_refused',
      advice: 'This looks like a token of another program: run claude setup-token\nand more',
    });
    expect(failure?.retryable).toBe(false);
    expect(failureNotice(failure!, OUTCOME.logFile)).toBe(
      '⚠️ That did not work: the model’s service refused the key. Check it in .env and write again. This looks like a token of another program: run claude setup-token. (container-1.log)',
    );
  });

  it('of an agent that is not installed comes at once: no other try can heal it', () => {
    const frame = { status: 'error', error: 'no codex on PATH', errorKind: 'not_installed' } as const;
    expect(findFailure(OUTCOME, frame)).toMatchObject({
      retryable: false,
      words: expect.stringMatching(/not installed/),
    });
  });

  it('is nothing after an answer', () => {
    const outcome = { ...OUTCOME, exitCode: 0, error: undefined };
    expect(findFailure(outcome, undefined)).toBeUndefined();
  });
});
