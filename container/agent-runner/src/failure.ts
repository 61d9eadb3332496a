import type { OutputFrame } from '../../../src/protocol/turn.ts';

type ErrorKind = NonNullable<OutputFrame['errorKind']>;

/** A turn cannot go on; the message is for the person who runs the host and names the cure. */
export class TurnFailure extends Error {
  readonly kind: ErrorKind;
  readonly advice: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  /**
   * @param advice what the owner can do about it, where that is more than the kind says; the main channel may
   *   see it
   * @param retryAfterSeconds when the model's service answers again, in seconds from now, where that is known
   */
  constructor(message: string, kind: ErrorKind = 'other', advice?: string, retryAfterSeconds?: number) {
    super(message);
    this.name = 'TurnFailure';
    this.kind = kind;
    this.advice = advice;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** What the host is told of an error. */
export function failureFrame(error: unknown): OutputFrame {
  const { advice, retryAfterSeconds } = error instanceof TurnFailure ? error : {};
  return {
    status: 'error',
    result: null,
    error: error instanceof Error ? error.message : String(error),
    errorKind: error instanceof TurnFailure ? error.kind : 'other',
    ...(advice === undefined ? {} : { advice }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}
