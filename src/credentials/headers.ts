import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** Headers that speak of one connection, not of the message (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Names of headers that carry somebody's rights. */
const CREDENTIAL =
  /(^|-)(auth|authorization|authenticate|cookie2?|secret|password|credentials?|token)(-|$)|api-?key/;

/** OAuth tokens of Claude are only taken from requests that announce them. */
const CLAUDE_OAUTH_BETA = 'oauth-2025-04-20';

function endToEnd(headers: IncomingHttpHeaders): [string, string | string[]][] {
  const named = new Set((headers.connection ?? '').toLowerCase().split(/\s*,\s*/));
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || HOP_BY_HOP.has(name) || named.has(name) || CREDENTIAL.test(name)
      ? []
      : [[name, value] as [string, string | string[]]],
  );
}

/**
 * The headers of a request as the service gets them: nothing of the connection, no credential but the host's own.
 * @param key the header with the host's key
 * @param variable where that key comes from
 */
export function requestHeaders(
  headers: IncomingHttpHeaders,
  key: Readonly<Record<string, string>>,
  variable: string,
): OutgoingHttpHeaders {
  const sent: OutgoingHttpHeaders = Object.fromEntries(endToEnd(headers));
  delete sent.host;
  delete sent.expect;
  // Usage is read as the answer passes.
  sent['accept-encoding'] = 'identity';
  if (variable === 'CLAUDE_CODE_OAUTH_TOKEN') {
    const beta = headers['anthropic-beta'];
    const betas = beta === undefined ? [] : String(beta).split(/\s*,\s*/);
    if (!betas.includes(CLAUDE_OAUTH_BETA)) sent['anthropic-beta'] = [...betas, CLAUDE_OAUTH_BETA].join(',');
  }
  return { ...sent, ...key };
}

/**
 * The headers of an answer as the container gets them: no credential, and none that says the key.
 * @param secret the host's key
 */
export function answerHeaders(headers: IncomingHttpHeaders, secret: string | undefined): OutgoingHttpHeaders {
  const telling = (value: string | string[]) => secret !== undefined && String(value).includes(secret);
  return Object.fromEntries(endToEnd(headers).filter(([, value]) => !telling(value)));
}
