import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../log.ts';
import { forward, tooLarge } from './forward.ts';
import { accessTo, type ModelAccess, upstreamUrl, type Variables } from './model-access.ts';
import { type KeyedProvider, MODEL_SERVICES, type RoutedRequest, routeOf } from './model-service.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { TokenHolder } from './token-holder.ts';
import type { Upstream } from './upstream.ts';
import type { Usage } from './usage.ts';

/** What an answer used, and for whom. */
export interface UsageReport extends Usage {
  readonly runId: string;
  readonly groupFolder: string;
  readonly provider: KeyedProvider;
}

export interface RequestHandlerOptions {
  readonly upstream: Upstream;
  readonly readVariables: () => Variables;
  readonly onUsage: (report: UsageReport) => void;
  /** Bytes of one request. */
  readonly maxBodyBytes: number;
  readonly log: Log;
}

/** A request that the key serves for. */
interface Call {
  readonly holder: TokenHolder;
  readonly asked: RoutedRequest;
  readonly access: ModelAccess;
  readonly url: URL;
}

interface Rejection {
  readonly cause: Refusal;
  readonly message: string;
}

/** No agent works on more at once; a sandbox that does is out of hand. */
const MAX_REQUESTS_PER_RUN = 64;

/** Lets a request through to its service, or says why not. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  /** @param holder the run at whose door the request came */
  handle(request: IncomingMessage, response: ServerResponse, holder: TokenHolder): void {
    try {
      const decision = this.#decide(request, holder);
      if ('cause' in decision) {
        const { runId: run, groupFolder: group } = holder;
        const { cause, message } = decision;
        const { method, url } = request;
        this.#options.log.debug({ run, group, method, path: pathOf(url), cause }, 'Model request refused');
        refuse(request, response, cause, message);
      } else this.#forward(request, response, decision);
    } catch (error) {
      const reason = (error as Error).message;
      this.#tell(holder, 'settings', { reason }, 'Model service cannot be asked');
      refuse(request, response, 'unreachable', "the host's settings are wrong; its log says how");
    }
  }

  /** @throws ServiceAddressError, and what reading the variables throws */
  #decide(request: IncomingMessage, holder: TokenHolder): Call | Rejection {
    const { readVariables, maxBodyBytes } = this.#options;
    if (!holder.isShownBy(request.headers)) {
      return { cause: 'unknown_token', message: 'this is not the token of the run that is under way here' };
    }
    const { provider } = holder;
    const { method, url: target = '' } = request;
    const asked = routeOf(MODEL_SERVICES[provider], method, target);
    if (asked === undefined) {
      const message = `the key of ${provider} does not serve for ${method} ${pathOf(target)}`;
      return { cause: 'not_served', message };
    }
    if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) {
      return { cause: 'too_large', message: tooLarge(maxBodyBytes) };
    }
    if (holder.active >= MAX_REQUESTS_PER_RUN) {
      return { cause: 'too_many', message: `more than ${MAX_REQUESTS_PER_RUN} requests at once` };
    }
    const access = accessTo(provider, readVariables());
    if (access === undefined) {
      return { cause: 'no_key', message: `the host has no key for ${provider} any more` };
    }
    return { holder, asked, access, url: upstreamUrl(provider, access, asked) };
  }

  #forward(request: IncomingMessage, response: ServerResponse, call: Call): void {
    const { upstream, maxBodyBytes, onUsage, log } = this.#options;
    const { holder, asked, access, url } = call;
    const { runId, groupFolder, provider } = holder;
    holder.active += 1;
    let status: number | undefined;
    response.once('close', () => {
      holder.active -= 1;
      const { method } = request;
      const details = { run: runId, group: groupFolder, provider, method, path: asked.path, status };
      log.debug(details, 'Model request');
    });
    const exchange = {
      ...{ request, response, holder, access, url, maxBodyBytes },
      protocol: MODEL_SERVICES[provider].protocol,
      route: asked.route,
      onUsage: (usage: Usage) => {
        try {
          onUsage({ runId, groupFolder, provider, ...usage });
        } catch (error) {
          log.error({ run: runId, error }, 'Usage cannot be kept');
        }
      },
      onStatus: (answered: number) => {
        status = answered;
        if (answered !== 401 && answered !== 403) return;
        const details = { variable: access.variable, status: answered, hint: refusedHint(access) };
        this.#tell(holder, 'refused', details, 'Model service refused the key');
      },
      onUnreachable: (reason: string) => {
        this.#tell(holder, 'unreachable', { host: url.host, reason }, 'Model service cannot be reached');
      },
    };
    forward(exchange, upstream);
  }

  /** Warns once per run and cause: agents try again and again. */
  #tell(holder: TokenHolder, cause: string, details: object, message: string): void {
    const { runId: run, groupFolder: group, provider } = holder;
    const level = holder.told.has(cause) ? 'debug' : 'warn';
    holder.told.add(cause);
    this.#options.log[level]({ run, group, provider, ...details }, message);
  }
}

/** Without the query, which is not ours to log. */
function pathOf(target = ''): string {
  return (target.split('?', 1)[0] ?? '').slice(0, 200);
}

/** What to do about a key that the service does not take. */
function refusedHint({ variable, key }: ModelAccess): string {
  return key?.startsWith('sk-ant-oat01-')
    ? `${variable} holds a token that may have been short-lived: make a lasting one with claude setup-token`
    : `Check ${variable} in .env`;
}
