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

/** Told by its name: the runner's bundles have a class each. */
function isTurnFailure(error: unknown): error is TurnFailure {
  return error instanceof Error && error.name === 'TurnFailure' && 'kind' in error;
}

/** What the host is told of an error. */
export function failureFrame(error: unknown): OutputFrame {
  return {
    status: 'error',
    result: null,
    error: error instanceof Error ? error.message : String(error),
    errorKind: isTurnFailure(error) ? error.kind : 'other',
  };
}
