import { TurnFailure } from './failure.ts';
import { forwardTo } from './forwarder.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const SOCKET = /^unix:(\/.+)$/;

/**
 * Makes the model's service reachable: where the host holds the keys (NANOCLAW_PROXY), a forwarder on this side leads to
 * its socket, or its address is used as it is. Without NANOCLAW_PROXY nothing changes.
 * @returns the environment with addresses that can be reached from here
 * @throws TurnFailure when nobody answers where the host's keys should be
 */
export async function reachModel(env: Environment): Promise<Environment> {
  const { NANOCLAW_PROXY: proxy } = env;
  if (proxy === undefined || proxy === '') return env;
  const origin = await originOf(proxy);
  // Engines hand their own proxy's settings to containers; it would not find this address.
  const direct = [env.NO_PROXY ?? env.no_proxy, new URL(origin).hostname].filter(Boolean).join(',');
  return {
    ...env,
    ANTHROPIC_BASE_URL: origin,
    OPENAI_BASE_URL: `${origin}/v1`,
    // Its path tells which of Kimi's services it is.
    KIMI_BASE_URL: `${origin}${pathOf(env.KIMI_BASE_URL) ?? '/v1'}`,
    NO_PROXY: direct,
    no_proxy: direct,
  };
}

async function originOf(proxy: string): Promise<string> {
  const path = SOCKET.exec(proxy)?.[1];
  if (path === undefined) {
    if (URL.canParse(proxy) && new URL(proxy).protocol === 'http:') return new URL(proxy).origin;
    throw new TurnFailure(`NANOCLAW_PROXY is "${proxy}"; it may be unix:/PATH or http://HOST:PORT`);
  }
  try {
    return `http://127.0.0.1:${await forwardTo(path)}`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new TurnFailure(
      `The host's keys cannot be reached at ${path} (${code ?? message}). Is the host running, and is the socket's directory mounted for this user?`,
      'network',
    );
  }
}

function pathOf(address: string | undefined): string | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined;
  const path = new URL(address).pathname.replace(/\/+$/, '');
  return path === '' ? undefined : path;
}
