import { ADDRESS_VARIABLES, KEY_VARIABLES } from '../config.ts';
import type { KeyedProvider, RoutedRequest } from './model-service.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** How the host reaches a model's service at this moment. */
export interface ModelAccess {
  /** The variable that holds the key; where there is none, the one that would. */
  readonly variable: string;
  /** Undefined: a service of the host's own that needs none. */
  readonly key: string | undefined;
  /** The service's address, from the environment or the provider's own. */
  readonly address: string;
}

/** An address that no request can be sent to. */
export class ServiceAddressError extends Error {
  override readonly name = 'ServiceAddressError';

  constructor(provider: KeyedProvider) {
    const [variable] = ADDRESS_VARIABLES[provider];
    super(`${variable} is no http or https address. Set it to one, or unset it for the service's own.`);
  }
}

/** A key can stand in a header: an accident of copying (a line break, a bullet) makes none. */
const SENDABLE = /^[\x21-\x7e]+$/;
const KIMI_SUBSCRIPTION = 'sk-kimi-';

function defaultAddress(provider: KeyedProvider, key: string | undefined): string {
  switch (provider) {
    case 'claude':
      return 'https://api.anthropic.com';
    case 'codex':
      return 'https://api.openai.com/v1';
    case 'kimi':
      // Kimi Code 2.1 tells the two kinds of keys apart in the same way.
      return key?.startsWith(KIMI_SUBSCRIPTION)
        ? 'https://api.kimi.com/coding/v1'
        : 'https://api.moonshot.ai/v1';
  }
}

/**
 * The key and the address as the variables say now.
 * @returns undefined when there is neither a key that can be sent nor an address of the host's own
 */
export function accessTo(provider: KeyedProvider, variables: Variables): ModelAccess | undefined {
  const names: readonly string[] = KEY_VARIABLES[provider];
  const name = names.find((candidate) => SENDABLE.test(variables[candidate] ?? ''));
  const own = ADDRESS_VARIABLES[provider].map((candidate) => variables[candidate]).find(Boolean);
  if (name === undefined && own === undefined) return undefined;
  const key = name === undefined ? undefined : variables[name];
  return { variable: name ?? names[0] ?? '', key, address: own ?? defaultAddress(provider, key) };
}

/** The header that carries the key, in the form that its kind asks for. */
export function keyHeaders({ variable, key }: ModelAccess): Record<string, string> {
  if (key === undefined) return {};
  return variable === 'ANTHROPIC_API_KEY' ? { 'x-api-key': key } : { authorization: `Bearer ${key}` };
}

/**
 * The path of the service's address, without a slash at its end.
 * @throws ServiceAddressError
 */
export function addressPath(provider: KeyedProvider, { address }: ModelAccess): string {
  return parseAddress(provider, address).pathname.replace(/\/+$/, '');
}

/**
 * Where a request goes: the address with its own path and query kept.
 * @throws ServiceAddressError
 */
export function upstreamUrl(provider: KeyedProvider, access: ModelAccess, asked: RoutedRequest): URL {
  const url = parseAddress(provider, access.address);
  const own = url.search;
  url.pathname = addressPath(provider, access) + asked.path;
  url.search = own === '' ? asked.search : own + asked.search.replace(/^\?/, '&');
  url.hash = '';
  return url;
}

function parseAddress(provider: KeyedProvider, address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new ServiceAddressError(provider);
}
