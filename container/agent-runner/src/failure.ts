import type { OutputFrame } from '../../../src/protocol/turn.ts';

type ErrorKind = NonNullable<OutputFrame['errorKind']>;

/** A turn cannot go on; the message is for the person who runs the host and names the cure. */
export class TurnFailure extends Error {
  readonly kind: ErrorKind;

  constructor(message: string, kind: ErrorKind = 'other') {
    super(message);
    this.name = 'TurnFailure';
    this.kind = kind;
  }
}

/** What the host is told of an error. */
export function failureFrame(error: unknown): OutputFrame {
  return {
    status: 'error',
    result: null,
    error: error instanceof Error ? error.message : String(error),
    errorKind: error instanceof TurnFailure ? error.kind : 'other',
  };
}
