import type { Provider } from '../protocol/provider.ts';

/** The agents that need a model's service. */
export type KeyedProvider = Exclude<Provider, 'offline'>;

/** How a service words its answers: decides how errors are said and where usage stands. */
export type Protocol = 'messages' | 'responses' | 'chat';

export interface Route {
  readonly method: 'GET' | 'POST';
  /** The path below `/v1`, as the container asks for it. */
  readonly path: RegExp;
  /** Its answers cost tokens and say how many. */
  readonly metered: boolean;
}

export interface ModelService {
  readonly protocol: Protocol;
  /** Where the path below `/v1` begins in what the container asks for. */
  readonly prefix: RegExp;
  /** Whether the service's address ends in `/v1` itself (OpenAI's habit) or has it added (Anthropic's). */
  readonly addressHasVersion: boolean;
  /** All that the key serves for. */
  readonly routes: readonly Route[];
}

const VERSION = /^\/v1(?=\/)/;
// A name, never a step upwards.
const MODELS: Route = { method: 'GET', path: /^\/models(\/[A-Za-z0-9][\w.:-]*)?$/, metered: false };

/** What each agent's program calls. Anything else is none of the key's business. */
export const MODEL_SERVICES = {
  claude: {
    protocol: 'messages',
    prefix: VERSION,
    addressHasVersion: false,
    routes: [
      { method: 'POST', path: /^\/messages$/, metered: true },
      { method: 'POST', path: /^\/messages\/count_tokens$/, metered: false },
      MODELS,
    ],
  },
  codex: {
    protocol: 'responses',
    prefix: VERSION,
    addressHasVersion: true,
    routes: [
      { method: 'POST', path: /^\/responses$/, metered: true },
      { method: 'POST', path: /^\/responses\/compact$/, metered: true },
      MODELS,
    ],
  },
  kimi: {
    protocol: 'chat',
    // The runner tells the subscription's service from the platform's by its path.
    prefix: /^(\/coding)?\/v1(?=\/)/,
    addressHasVersion: true,
    routes: [{ method: 'POST', path: /^\/chat\/completions$/, metered: true }, MODELS],
  },
} as const satisfies Record<KeyedProvider, ModelService>;

export interface RoutedRequest {
  readonly route: Route;
  /** The path as the service's own address continues it. */
  readonly path: string;
  /** With its question mark; empty: none. */
  readonly search: string;
}

/**
 * Finds what a request asks for.
 * @param target the request's target as it came: only the plain form (`/v1/…`) is known
 * @returns undefined when the key does not serve for it
 */
export function routeOf(
  service: ModelService,
  method: string | undefined,
  target: string,
): RoutedRequest | undefined {
  const queryAt = target.indexOf('?');
  const whole = queryAt === -1 ? target : target.slice(0, queryAt);
  const search = queryAt === -1 ? '' : target.slice(queryAt);
  const prefix = service.prefix.exec(whole)?.[0];
  if (prefix === undefined) return undefined;
  const below = whole.slice(prefix.length);
  const route = service.routes.find((known) => known.method === method && known.path.test(below));
  if (route === undefined) return undefined;
  return { route, path: service.addressHasVersion ? below : `/v1${below}`, search };
}
