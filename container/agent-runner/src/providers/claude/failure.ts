import { TurnFailure } from '../../failure.ts';
import { TOOL_SERVER_NAME } from '../../tools/tool-server.ts';
import { modelFailure, noKey } from '../programs/model-failure.ts';
import { toolServerLost } from '../programs/tool-server-failure.ts';
import type { SdkResultMessage, SdkRetryMessage, SdkToolServer } from './sdk.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const KEYS = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN'] as const;

/** How Claude says that a session cannot be resumed; an error of the network or the service is never one of these. */
const SESSION_LOST = [
  /^No conversation found with session ID: /i,
  // Of an id that is not of its own form.
  /--resume requires a valid session ID .*"[^"]*" is not a UUID and does not match any session title/,
  /ENOENT\b.*\.jsonl\b/,
] as const;

/** The session is there, but not the message that it was to be resumed at. */
const ANCHOR_LOST = /no message found with message\.uuid/i;

/**
 * A refused key or an empty account is not going to change, so the program's further tries are not waited
 * for.
 */
const REFUSALS: ReadonlySet<number | null> = new Set([401, 402, 403]);
const TRIES_OF_A_REFUSED_KEY = 2;
/** A limit that is reset later than this is reported: the program would sleep until then, in a sandbox. */
const LONGEST_DELAY_MS = 60_000;

/** The program's advice to people who sit before it: they are in a chat. */
const LOGIN = /(?: ?· ?)?(?:please )?run \/login(?: ?· ?)?/gi;

/** The beginning of the tokens of a subscription, which come short-lived and lasting. */
const SUBSCRIPTION_TOKEN = 'sk-ant-oat01-';
const LASTING_TOKEN =
  'The key is a subscription’s token. One that was copied from a keychain lasts some hours; `claude setup-token` gives a lasting one';

/** The kinds of errors that the program names beside its words, where a status does not say as much. */
const STATUS_OF_ERROR: Readonly<Record<string, number>> = {
  billing_error: 402,
  oauth_org_not_allowed: 403,
  account_on_hold: 403,
  verification_required: 403,
  model_not_found: 404,
  rate_limit: 429,
  overloaded: 529,
};

/** A resume failed for its anchor alone: the same session can be resumed at its end. */
export class AnchorLost extends Error {
  constructor() {
    super('The session holds no message of the id at which it was to be resumed');
    this.name = 'AnchorLost';
  }
}

function isSessionLost(error: string): boolean {
  return SESSION_LOST.some((pattern) => pattern.test(error));
}

/** Whether a turn ended because it was interrupted; the program calls some of these successes. */
export function isInterrupted(result: SdkResultMessage): boolean {
  return result.terminal_reason?.startsWith('aborted') === true;
}

/**
 * What a result tells that is an error.
 * @param assistantError the kind of error that the last message of the turn named
 * @param retryAfterSeconds when the subscription's limit is reset, in seconds from now, where the program
 *   told
 */
export function resultFailure(
  result: SdkResultMessage,
  assistantError: string | undefined,
  env: Environment,
  retryAfterSeconds?: number,
): TurnFailure | AnchorLost {
  const said = (result.errors?.join('; ') || result.result || result.subtype).replaceAll(LOGIN, '').trim();
  if (result.errors?.some((error) => ANCHOR_LOST.test(error))) return new AnchorLost();
  const status = result.api_error_status ?? undefined;
  if (status === undefined && result.errors?.some(isSessionLost))
    return new TurnFailure(said, 'session_lost');
  if (status === 401) return keyRefused(status, env);
  if (status === undefined && assistantError === 'authentication_failed') return noKey(KEYS);
  if (result.api_error === 'connection_failed') return modelFailure(said, 502);
  return modelFailure(said, STATUS_OF_ERROR[assistantError ?? ''] ?? status, retryAfterSeconds);
}

/** @returns the failure, when the program is trying again what cannot be healed by it, or not soon */
export function hopelessRetry(retry: SdkRetryMessage, env: Environment): TurnFailure | undefined {
  const { attempt, error_status: status, retry_delay_ms: delayMs = 0 } = retry;
  if (delayMs > LONGEST_DELAY_MS) {
    return modelFailure(`it answered ${status ?? retry.error}`, status ?? 502, Math.ceil(delayMs / 1_000));
  }
  if (attempt < TRIES_OF_A_REFUSED_KEY || !REFUSALS.has(status)) return undefined;
  return keyRefused(status ?? 401, env);
}

function keyRefused(status: number, env: Environment): TurnFailure {
  const failure = modelFailure(`it answered ${status}`, status);
  // The token that stands for a key of the host begins as the key does.
  const key = KEYS.map((name) => env[name]).find(Boolean) ?? '';
  if (status !== 401 || !key.startsWith(SUBSCRIPTION_TOKEN)) return failure;
  return new TurnFailure(`${failure.message}. ${LASTING_TOKEN}`, failure.kind, LASTING_TOKEN);
}

/** The tool servers that did not start. */
export function failedServers(servers: readonly SdkToolServer[]): readonly SdkToolServer[] {
  return servers.filter(({ status }) => status === 'failed');
}

/**
 * Names the tool servers that did not start, on stderr.
 * @returns the failure, when the assistant's own is among them: the others are the user's
 */
export function toolServerFailure(servers: readonly SdkToolServer[]): TurnFailure | undefined {
  let ours: TurnFailure | undefined;
  for (const { name, error = 'no reason given' } of failedServers(servers)) {
    process.stderr.write(`the tool server "${name}" did not start: ${error}\n`);
    if (name === TOOL_SERVER_NAME) ours = toolServerLost(error);
  }
  return ours;
}
