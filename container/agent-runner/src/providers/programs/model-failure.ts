import { TurnFailure } from '../../failure.ts';
import { retryAfterSeconds } from './retry-after.ts';

type Kind = TurnFailure['kind'];

/**
 * What a status code of the model's service means by itself. A service that uses one for several causes names
 * the cause in its words, which decide first (`BY_WORDS`); the codes of `CERTAIN` mean one thing whatever is
 * said beside them.
 */
const BY_STATUS: Readonly<Record<number, Kind>> = {
  401: 'key_refused',
  402: 'billing',
  403: 'permission',
  404: 'model_unknown',
  408: 'network',
  413: 'prompt_too_long',
  429: 'rate_limit',
  500: 'service_error',
  502: 'network',
  503: 'overloaded',
  504: 'network',
  529: 'overloaded',
};

const CERTAIN: ReadonlySet<number> = new Set([401, 402, 408, 500, 502, 503, 504, 529]);
/** The request itself is wrong: the same one never goes through later, whatever is said beside these. */
const FINAL: ReadonlySet<number> = new Set([400, 404, 413, 422]);

/**
 * The documented types and messages of the three services, and the programs' own words for them. The first
 * that fits counts: an account without credit is reported under 400, 402, 403 and 429, and its text may name
 * limits too.
 */
const BY_WORDS: readonly (readonly [RegExp, Kind])[] = [
  [
    // Anthropic: 400 and billing_error. OpenAI: 429. Moonshot: 429. Kimi's subscription: 402 and 403.
    /credit balance|insufficient[ _](quota|balance|credits?|funds)|billing_(error|hard_limit|not_active)|credits?_(required|balance_exhausted)|exceeded (your )?current quota|exceeded_current_quota|quota exceeded|(usage|spend)_limit_exceeded|spend.?limit.?reached|specified (workspace )?API usage limits|usage limit for this billing cycle|membership benefits|out of (extra usage|credits)|payment required|suspended due to|account is not active/i,
    'billing',
  ],
  [
    /(prompt|input) is too long|context[ _]length[ _]exceeded|maximum context length|context window|exceeded model token limit|token length too long|request[ _]too[ _]large|request is larger than/i,
    'prompt_too_long',
  ],
  [
    /model[\w\s:"'`./-]*(does not exist|not found|not supported|no permission)|unknown model|no such model|model_not_found|not found the model/i,
    'model_unknown',
  ],
  [
    /incorrect[ _]api[ _]key|invalid[ _](x-)?api[ _-]?key|invalid[ _]authentication|authentication_error|unauthorized|api key .*(expired|revoked|invalid)|token .*(expired|revoked)/i,
    'key_refused',
  ],
  [
    /permission_(denied_)?error|insufficient[ _]permissions?|not supported.{0,20}(country|region)|(country|region).{0,30}not supported|unsupported_country|organization has been disabled|disabled organization|oauth_org_not_allowed|access[ _]terminated|only available for coding agents|not authorized|forbidden/i,
    'permission',
  ],
  [
    /overloaded|high demand|at capacity|server_unavailable|service (is )?(temporarily )?unavailable/i,
    'overloaded',
  ],
  [/server_error|(?<!provider\.)api_error|internal server error|server had an error/i, 'service_error'],
  [/rate.?limit|too many requests|usage.?limit|session limit|weekly limit|quota/i, 'rate_limit'],
  [
    /connection (failed|refused|error|reset)|error sending request|ECONN\w+|ENOTFOUND|EAI_AGAIN|timed? ?out|timeout_error|fetch failed|stream (disconnected|closed)|network/i,
    'network',
  ],
];

const WORDS = {
  no_key: 'There is no key for the model’s service',
  key_refused: 'The model’s service refused the key',
  permission: 'The model’s service does not permit this with the key',
  billing: 'The account at the model’s service has no credit left',
  model_unknown: 'The model’s service does not know the model',
  prompt_too_long: 'The prompt and the session are too long for the model',
  request_refused: 'The model’s service refused the request',
  rate_limit: 'The limit of the key at the model’s service is reached',
  overloaded: 'The model’s service is overloaded',
  service_error: 'The model’s service has an error of its own',
  network: 'The model’s service could not be reached',
} as const satisfies Partial<Record<Kind, string>>;

/** Only these pass by themselves, so only of these a time is worth telling. */
const HEALS: ReadonlySet<Kind> = new Set(['rate_limit', 'overloaded', 'service_error', 'network']);

/**
 * A failed request to the model's service, from what was said about it and its status.
 * @param said what the program or the service said; it follows the cause, for the log
 * @param status of HTTP, where it is known
 * @param retryAfter seconds until the service answers again, where the program knows; absent: as `said` has
 *   it
 */
export function modelFailure(said: string, status?: number, retryAfter?: number): TurnFailure {
  const kind = kindOf(said, status);
  const opening = kind in WORDS ? WORDS[kind as keyof typeof WORDS] : 'The agent failed';
  const seconds = HEALS.has(kind) ? (retryAfter ?? retryAfterSeconds(said, Date.now())) : undefined;
  return new TurnFailure(`${opening}: ${said}`, kind, undefined, seconds);
}

function kindOf(said: string, status: number | undefined): Kind {
  const byStatus = status === undefined ? undefined : BY_STATUS[status];
  if (status !== undefined && byStatus !== undefined && CERTAIN.has(status)) return byStatus;
  const isFinal = status !== undefined && FINAL.has(status);
  const byWords = BY_WORDS.find(
    ([pattern, kind]) => !(isFinal && HEALS.has(kind)) && pattern.test(said),
  )?.[1];
  return byWords ?? byStatus ?? (isFinal ? 'request_refused' : 'other');
}

/** No key reached the sandbox. @param variables that may bring one */
export function noKey(variables: readonly string[]): TurnFailure {
  return new TurnFailure(`${WORDS.no_key}: put ${variables.join(' or ')} into .env`, 'no_key');
}
