import type { RequestError } from '@agentclientprotocol/sdk';
import { TurnFailure } from '../../failure.ts';
import { modelFailure, noKey } from '../programs/model-failure.ts';

/** How Kimi says that there is no such session, also when it cannot read what it kept of it. */
const UNKNOWN_SESSION = /^Invalid params: Unknown sessionId: /;

/** How earlier ones said it. A record that may not be read, or a full disk, is none of these. */
const SESSION_LOST = [
  /session not found/i,
  /Expecting value: line 1 column 1/,
  /ENOENT\b[^\n]*\.jsonl\b/,
] as const;

/** The protocol's code for a missing or refused key. */
const AUTHENTICATION_REQUIRED = -32_000;
const STATUS = /\b([45]\d\d)\b/;

/** What a failed `session/load` tells: only here can a session be lost. */
export function loadFailure(error: unknown): Error {
  const said = wordsOf(error);
  return UNKNOWN_SESSION.test(said) || (!STATUS.test(said) && SESSION_LOST.some((one) => one.test(said)))
    ? new TurnFailure(`session not found: ${said}`, 'session_lost')
    : requestFailure(error);
}

/** What a failed request to the program tells. */
export function requestFailure(error: unknown): Error {
  if (!isRequestError(error)) return error instanceof Error ? error : new TurnFailure(String(error));
  const said = wordsOf(error);
  const status = STATUS.exec(said)?.[1];
  if (error.code === AUTHENTICATION_REQUIRED || /LLM is not set/i.test(said)) {
    return status === undefined ? noKey(['KIMI_API_KEY']) : modelFailure(said, Number(status));
  }
  return modelFailure(said, status === undefined ? undefined : Number(status));
}

/** Told by its name: the protocol's library is loaded while the program starts, not before. */
function isRequestError(error: unknown): error is RequestError {
  return error instanceof Error && error.name === 'RequestError' && 'code' in error;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const data = isRequestError(error) && error.data !== undefined ? JSON.stringify(error.data) : '';
  return `${error.message} ${data}`.trim();
}
