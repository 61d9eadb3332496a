import { TurnFailure } from '../../failure.ts';

type Kind = TurnFailure['kind'];

/** What the model's service said, sorted by its status code. */
const BY_STATUS: Readonly<Record<number, Kind>> = {
  401: 'key_refused',
  402: 'rate_limit',
  403: 'key_refused',
  404: 'model_unknown',
  408: 'network',
  429: 'rate_limit',
  500: 'rate_limit',
  502: 'network',
  503: 'rate_limit',
  504: 'network',
  529: 'rate_limit',
};

/** What the programs and the services say where no status is to be seen. The first that fits counts. */
const BY_WORDS: readonly (readonly [RegExp, Kind])[] = [
  [
    /model[\w\s:"'`./-]*(does not exist|not found|not supported|no permission)|unknown model|no such model/i,
    'model_unknown',
  ],
  [
    /incorrect api key|invalid (api )?key|invalid authentication|unauthorized|forbidden|api key .*(expired|revoked)/i,
    'key_refused',
  ],
  [
    /quota|rate.?limit|too many requests|billing|usage limit|high demand|overloaded|at capacity/i,
    'rate_limit',
  ],
  [
    /connection (failed|refused|error|reset)|error sending request|ECONN\w+|ENOTFOUND|EAI_AGAIN|timed? ?out|fetch failed|stream (disconnected|closed)|network/i,
    'network',
  ],
];

const WORDS = {
  no_key: 'There is no key for the model’s service',
  key_refused: 'The model’s service refused the key',
  model_unknown: 'The model’s service does not know the model',
  rate_limit: 'The model’s service is too busy, or the limit of the key is reached',
  network: 'The model’s service could not be reached',
} as const satisfies Partial<Record<Kind, string>>;

/**
 * A failed request to the model's service, from its status or, without one, from the words about it.
 * @param said what the program or the service said; it follows the cause, for the log
 * @param status of HTTP, where it is known
 */
export function modelFailure(said: string, status?: number): TurnFailure {
  const words = BY_WORDS.find(([pattern]) => pattern.test(said))?.[1];
  // A service that says 400 or 404 for several causes names the one in its words.
  const kind = (status === undefined ? undefined : BY_STATUS[status]) ?? words ?? 'other';
  const opening = kind in WORDS ? WORDS[kind as keyof typeof WORDS] : 'The agent failed';
  return new TurnFailure(`${opening}: ${said}`, kind);
}

/** No key reached the sandbox. @param variables that may bring one */
export function noKey(variables: readonly string[]): TurnFailure {
  return new TurnFailure(`${WORDS.no_key}: put ${variables.join(' or ')} into .env`, 'no_key');
}
