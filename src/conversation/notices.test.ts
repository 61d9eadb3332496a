import { describe, expect, it } from 'vitest';
import { OutputFrame } from '../protocol/output-frame.ts';
import {
  type Asked,
  failureElsewhere,
  failureInMain,
  failureNotice,
  findFailure,
  hostFailure,
  interruptedNotice,
  suspectNotice,
} from './notices.ts';

const OUTCOME = {
  reason: 'exited',
  exitCode: 1,
  frames: 1,
  error: 'exit code 1',
  retryable: true,
  logFile: 'container-1.log',
  durationMs: 1,
} as const;

const ANN = { senderName: 'Ann', text: '@Andy  make a list of everything\nwe need for the trip to Norway' };
const BOB = { senderName: 'Bob', text: '' };

const turn = (asked: readonly Asked[], isGroup = false) => ({ asked, isGroup, task: undefined });

/** Everything in a text that is for the owner alone. */
const INTERNAL = /\.log|\.env|AGENT_|npm |nanoclaw |container\/|stderr|exit code|key-proxy|setup-token/;

describe('the notice about a failed turn', () => {
  it('has in main the cause in plain words, the fix for the owner, and the log’s name', () => {
    const failure = findFailure(OUTCOME, {
      status: 'error',
      error: '401 invalid x-api-key',
      errorKind: 'key_refused',
      advice: 'This looks like a token of another program: run claude setup-token\nand more',
    });
    expect(failure?.retryable).toBe(false);
    expect(failureInMain(failure!, turn([ANN]), OUTCOME.logFile)).toBe(
      '⚠️ That did not work: the model’s service refused the key. Check it in .env and write again. This looks like a token of another program: run claude setup-token. (container-1.log)',
    );
    expect(failureElsewhere(failure!, 'Family', turn([ANN]), OUTCOME.logFile)).toBe(
      '⚠️ An answer in Family failed: the model’s service refused the key. Check it in .env and write again. This looks like a token of another program: run claude setup-token. (container-1.log)',
    );
    expect(failureNotice(failure!, turn([ANN]))).toBe(
      '⚠️ That did not work: the model’s service refused the key.',
    );
  });

  it.each(OutputFrame.shape.errorKind.unwrap().unwrap().options)(
    'names no file, setting or program outside main for an error of the kind %s',
    (errorKind) => {
      const error = 'exit code 1: /app/x.js AGENT_MODEL in .env';
      const failure = findFailure(OUTCOME, {
        status: 'error',
        error,
        errorKind,
        advice: 'run npm run agents',
      });
      expect(failureNotice(failure!, turn([ANN], true))).not.toMatch(INTERNAL);
      expect(failureElsewhere(failure!, 'Family', turn([]), OUTCOME.logFile)).toMatch(
        /^⚠️ An answer in Family failed: .*npm run agents.*\(container-1\.log\)$/,
      );
    },
  );

  it('has the agent’s own error, its exit and the host’s error in main only', () => {
    const failures = [
      findFailure(OUTCOME, undefined),
      findFailure({ ...OUTCOME, reason: 'start_failed', error: 'exit code 1: no image' }, undefined),
      findFailure(OUTCOME, { status: 'error', error: 'exit code 1: no image' }),
      hostFailure(new Error('exit code 1: no image')),
    ];
    for (const failure of failures) {
      expect(failureNotice(failure!, turn([]))).not.toMatch(INTERNAL);
      expect(failureElsewhere(failure!, 'Family', turn([]), undefined)).toMatch(/exit code 1/);
    }
  });

  it('says for whom it did not work and quotes the first words where several people write', () => {
    const failure = findFailure(OUTCOME, undefined);
    expect(failureNotice(failure!, turn([ANN, BOB], true))).toBe(
      '⚠️ That did not work for Ann (“@Andy make a list of everything we need…”) and Bob: the agent ended unexpectedly.',
    );
    expect(failureNotice(failure!, turn([ANN], true))).toMatch(/for Ann \(“@Andy make/);
    expect(interruptedNotice([ANN, BOB], true)).toMatch(
      /in the middle of the work for Ann \(“.*”\) and Bob\. /,
    );
    expect(suspectNotice([ANN], false)).toMatch(/in the middle of that, /);
  });

  it('quotes each message where one person asked several things, and counts what is too much to quote', () => {
    const failure = findFailure(OUTCOME, undefined);
    expect(failureNotice(failure!, turn([ANN, { ...BOB, text: 'ping' }]))).toMatch(
      /^⚠️ That did not work for “@Andy make .*…” and “ping”: /,
    );
    expect(failureNotice(failure!, turn(Array(8).fill({ ...BOB, text: 'ping' })))).toMatch(
      /(“ping”, ){5}|and 3 more: /,
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

describe('a failure at the model’s service', () => {
  const failureOf = (errorKind: NonNullable<OutputFrame['errorKind']>, retryAfterSeconds?: number) =>
    findFailure(OUTCOME, { status: 'error', error: 'x', errorKind, retryAfterSeconds });

  it.each([
    ['billing', false, false, /no credit left/],
    ['key_refused', false, false, /refused the key/],
    ['permission', false, false, /does not let me/],
    ['model_unknown', false, false, /does not know the model/],
    ['prompt_too_long', false, false, /more than the model can read/],
    ['rate_limit', true, true, /limit .* is reached/],
    ['overloaded', true, true, /overloaded/],
    ['service_error', true, true, /an error of its own$/],
    ['network', true, true, /could not be reached/],
  ] as const)(
    'is sorted by its kind: %s is tried again: %s; is an outage: %s',
    (kind, retryable, isOutage, words) => {
      expect(failureOf(kind)).toMatchObject({ retryable, isOutage, words: expect.stringMatching(words) });
    },
  );

  it('names the setting that has chosen a model which the service does not know, and no other', () => {
    const frame = { status: 'error', error: 'x', errorKind: 'model_unknown' } as const;
    const fixOf = (model?: 'chat' | 'host' | 'agent') => findFailure(OUTCOME, frame, model)?.fix;
    expect(fixOf('chat')).toMatch(/container_config/);
    expect(fixOf('host')).toMatch(/^Check AGENT_MODEL in .env$/);
    expect(fixOf('agent')).toMatch(/^None is set.*set AGENT_MODEL/);
  });

  it('says when the service answers again, and is not tried again where that is too far off', () => {
    expect(failureOf('rate_limit', 90)).toMatchObject({
      words: 'the limit at the model’s service is reached',
      later: 'Try again in 2 minutes',
      retryAfterMs: 90_000,
      retryable: true,
    });
    expect(failureOf('rate_limit', 4 * 3600 + 5)).toMatchObject({
      later: 'Try again in 5 hours',
      retryable: false,
      isOutage: true,
    });
    expect(failureOf('billing', 90)?.retryAfterMs).toBeUndefined();
  });

  it('counts as any other error when this host does not know its kind', () => {
    const frame = OutputFrame.parse({
      status: 'error',
      error: 'x',
      errorKind: 'of_2031',
      retryAfterSeconds: 'soon',
    });
    expect(frame).toEqual({ status: 'error', error: 'x', errorKind: 'other' });
    expect(findFailure(OUTCOME, frame)).toMatchObject({ retryable: true, isOutage: false });
  });
});
