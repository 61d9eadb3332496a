import type { IncomingMessage, ServerResponse } from 'node:http';
import { secretsInAddress } from '../address-secrets.ts';
import { answerHeaders, requestHeaders } from './headers.ts';
import { keyHeaders, type ModelAccess } from './model-access.ts';
import type { Protocol, Route } from './model-service.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { TokenHolder } from './token-holder.ts';
import type { Upstream } from './upstream.ts';
import type { Usage } from './usage.ts';
import { UsageReader } from './usage-reader.ts';

const REDIRECT = /^3(?!04)/;
/** An error's answer is read whole before it is passed on; longer ones are cut. */
const MAX_ERROR_BYTES = 256 * 1024;

/** Errors that pass; a service may say in a header when to ask again. */
const PASSING: ReadonlySet<number> = new Set([429, 503, 529]);

/** One request on its way, and what it needs there. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly holder: TokenHolder;
  readonly protocol: Protocol;
  readonly route: Route;
  readonly access: ModelAccess;
  readonly url: URL;
  readonly maxBodyBytes: number;
  /** Told when the answer has passed, or as far as it came. */
  readonly onUsage: (usage: Usage) => void;
  /** Told the status that the service answered with. */
  readonly onStatus: (status: number) => void;
  /** Told why the service could not be reached; the text holds no secret. */
  readonly onUnreachable: (reason: string) => void;
}

/**
 * Passes a request to its service and the answer back, both as they come. Whoever goes away first takes the other side
 * along.
 */
export function forward(exchange: Exchange, upstream: Upstream): void {
  const { request, response, access, holder, url, route } = exchange;
  const headers = requestHeaders(request.headers, keyHeaders(access), access.variable);
  const hasBody = route.method === 'POST';
  if (!hasBody) delete headers['content-length'];
  const outgoing = upstream.request(url, {
    method: route.method,
    headers,
    signal: holder.released,
  });
  let isRefused = false;
  const giveUp = (cause: Refusal, message: string): void => {
    outgoing.destroy();
    if (isRefused || response.destroyed) return;
    isRefused = true;
    if (response.headersSent) response.destroy();
    else refuse(request, response, cause, message);
  };
  const unreachable = (reason: string): void => {
    // Nobody waits any more when the client or its run is gone.
    if (!isRefused && !response.destroyed && !holder.released.aborted) exchange.onUnreachable(reason);
    giveUp('unreachable', `the model's service cannot be reached (${reason})`);
  };

  outgoing.on('response', (answer) => {
    const status = answer.statusCode ?? 502;
    exchange.onStatus(status);
    if (REDIRECT.test(String(status)))
      return unreachable('it answers with a redirect, which is not followed');
    answer.on('error', (error) => unreachable(codeOf(error)));
    if (status < 200 || status > 599) return unreachable(`it answers with status ${status}`);
    if (status >= 400) void passError(exchange, answer, status);
    else passOn(exchange, answer, status);
  });
  outgoing.on('error', (error) => {
    // An answer that has come whole stands, though the service closed before it took all of the request.
    if (!response.writableEnded) unreachable(codeOf(error));
  });
  response.on('close', () => {
    if (!response.writableFinished) outgoing.destroy();
  });
  request.on('error', () => outgoing.destroy());
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > exchange.maxBodyBytes) giveUp('too_large', tooLarge(exchange.maxBodyBytes));
  });
  if (hasBody) {
    request.pipe(outgoing);
    return;
  }
  // Node sends the body of a GET without a frame: the service would take it for further requests, on a connection that the
  // next run's key goes over.
  request.resume();
  outgoing.end();
}

/** What is said of a body over the limit. @param limit bytes */
export function tooLarge(limit: number): string {
  return `the request is larger than ${limit} bytes`;
}

function passOn(
  { response, access, protocol, route, onUsage }: Exchange,
  answer: IncomingMessage,
  status: number,
): void {
  response.writeHead(status, answerHeaders(answer.headers, access.key));
  response.flushHeaders();
  if (route.metered) {
    const reader = new UsageReader(protocol, answer.headers['content-type']);
    answer.on('data', (chunk: Buffer) => reader.push(chunk));
    answer.on('close', () => {
      const usage = reader.end();
      if (usage !== undefined) onUsage(usage);
    });
  }
  answer.pipe(response);
}

/** Passes an error on with the key taken out of its text: some services say what they were sent. */
async function passError(
  { response, access }: Exchange,
  answer: IncomingMessage,
  status: number,
): Promise<void> {
  const secrets = [access.key ?? '', ...secretsInAddress(access.address)].filter((each) => each !== '');
  const longest = Math.max(0, ...secrets.map((each) => each.length));
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      if (bytes < MAX_ERROR_BYTES + longest) pieces.push(piece);
      bytes += piece.length;
    }
  } catch {
    // The answer's own error event has given the exchange up.
    return;
  }
  if (response.headersSent || response.destroyed) return;
  // As latin1 every byte is a character and stays what it is. Cut last, or a part of the key could stay at the end.
  const text = Buffer.concat(pieces).toString('latin1');
  const clean = secrets.reduce((words, secret) => words.replaceAll(secret, '[redacted]'), text);
  const said = PASSING.has(status) ? withRetryTime(clean, answer.headers['retry-after']) : clean;
  const body = Buffer.from(said, 'latin1').subarray(0, MAX_ERROR_BYTES);
  response.writeHead(status, { ...answerHeaders(answer.headers, access.key), 'content-length': body.length });
  response.end(body);
}

/**
 * Puts when to ask again into an error's own words: agents' programs report those, and no header.
 * @param seconds as the header says them
 */
function withRetryTime(body: string, seconds: string | undefined): string {
  if (seconds === undefined || !/^\d{1,7}$/.test(seconds)) return body;
  try {
    const parsed = JSON.parse(body) as { error?: { message?: unknown } } | null;
    if (typeof parsed?.error?.message !== 'string') return body;
    parsed.error.message += ` (retry-after: ${seconds})`;
    return JSON.stringify(parsed);
  } catch {
    // Not the service itself, but something before it.
    return body;
  }
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
