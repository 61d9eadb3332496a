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

describe('the notice about a failed turn', () => {
  it('has the cause in plain words, the fix for the owner, and the log’s name', () => {
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

  it('is sent at once for an agent that is not installed, because retries cannot help', () => {
    const frame = { status: 'error', error: 'no codex on PATH', errorKind: 'not_installed' } as const;
    expect(findFailure(OUTCOME, frame)).toMatchObject({
      retryable: false,
      words: expect.stringMatching(/not installed/),
    });
  });

  it('is not sent after an answer', () => {
    const outcome = { ...OUTCOME, exitCode: 0, error: undefined };
    expect(findFailure(outcome, undefined)).toBeUndefined();
  });
});
