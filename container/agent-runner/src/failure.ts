import type { OutputFrame } from '../../../src/protocol/turn.ts';

type ErrorKind = NonNullable<OutputFrame['errorKind']>;

/** A turn cannot go on; the message is for the person who runs the host and names the cure. */
export class TurnFailure extends Error {
  readonly kind: ErrorKind;
  readonly advice: string | undefined;

  /** @param advice what the owner can do about it, where that is more than the kind says; the chat may see it */
  constructor(message: string, kind: ErrorKind = 'other', advice?: string) {
    super(message);
    this.name = 'TurnFailure';
    this.kind = kind;
    this.advice = advice;
  }
}

/** What the host is told of an error. */
export function failureFrame(error: unknown): OutputFrame {
  const advice = error instanceof TurnFailure ? error.advice : undefined;
  return {
    status: 'error',
    result: null,
    error: error instanceof Error ? error.message : String(error),
    errorKind: error instanceof TurnFailure ? error.kind : 'other',
    ...(advice === undefined ? {} : { advice }),
  };
}
