import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the proxy itself has to say, by cause. */
export const REFUSALS = {
  unknown_token: { status: 401, type: 'authentication_error' },
  no_key: { status: 401, type: 'authentication_error' },
  not_served: { status: 404, type: 'not_found_error' },
  too_large: { status: 413, type: 'request_too_large' },
  too_many: { status: 429, type: 'rate_limit_error' },
  unreachable: { status: 502, type: 'api_error' },
} as const;

export type Refusal = keyof typeof REFUSALS;

/**
 * Answers in the service's place, in a form that the agents' programs read as their service's own: Anthropic's where the
 * path is one of its, OpenAI's elsewhere. `nanoclaw_<cause>` marks the answer as the proxy's.
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  cause: Refusal,
  message: string,
): void {
  const { status, type } = REFUSALS[cause];
  const text = `nanoclaw_${cause}: ${message}`;
  const body = /^\/v1\/messages\b/.test(request.url ?? '')
    ? { type: 'error', error: { type, message: text } }
    : { error: { message: text, type, code: `nanoclaw_${cause}`, param: null } };
  const bytes = Buffer.from(JSON.stringify(body));
  // A body that is still coming is of no use to anybody.
  request.unpipe();
  request.resume();
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(bytes);
}
