import { childEnvironment } from '../programs/child-environment.ts';
import { noKey } from '../programs/model-failure.ts';
import type { AgentTurn } from '../provider.ts';

/** Kimi's two services; a key is for one of them. The addresses and models are those of kimi-code's own catalogue. */
const PLATFORM = { baseUrl: 'https://api.moonshot.ai/v1', model: 'kimi-k3' } as const;
const SUBSCRIPTION = { baseUrl: 'https://api.kimi.com/coding/v1', model: 'kimi-for-coding' } as const;
/** How the keys of a Kimi Code subscription begin. */
const SUBSCRIPTION_KEY = /^sk-kimi-/;

/** What hands the program its key. */
export const KEY_VARIABLE = 'KIMI_MODEL_API_KEY';

/** The program refuses to start without a key, also where the address leads to someone who has it. */
const PLACEHOLDER = 'none';
/** A failed request is tried this often; the host tries the whole turn again besides. */
const ATTEMPTS = 2;

/**
 * The environment of `kimi acp`.
 * @param home what it keeps its sessions in
 * @param model the turn's; undefined: AGENT_MODEL's, else the service's own
 * @throws TurnFailure when there is neither a key nor an address
 */
export function kimiEnvironment(
  surroundings: Pick<AgentTurn, 'env' | 'layout'>,
  home: string,
  model: string | undefined,
): Record<string, string> {
  const { KIMI_API_KEY: key, KIMI_BASE_URL: address, AGENT_MODEL } = surroundings.env;
  if (!key && !address) throw noKey(['KIMI_API_KEY']);
  const service = serviceOf(key, address);
  return childEnvironment(surroundings, {
    KIMI_CODE_HOME: home,
    KIMI_MODEL_NAME: model || AGENT_MODEL || service.model,
    [KEY_VARIABLE]: key || PLACEHOLDER,
    KIMI_MODEL_BASE_URL: address || service.baseUrl,
    KIMI_DISABLE_TELEMETRY: '1',
    KIMI_CODE_NO_AUTO_UPDATE: '1',
    // What is to be done later is the host's: this process ends with the turn.
    KIMI_DISABLE_CRON: '1',
    KIMI_LOOP_MAX_ATTEMPTS_PER_STEP: String(ATTEMPTS),
  });
}

/** An address tells by its path whose it is, also where it is that of a proxy. */
function serviceOf(key: string | undefined, address: string | undefined) {
  if (address) return /\/coding(\/v1)?\/?$/.test(address) ? SUBSCRIPTION : PLATFORM;
  return SUBSCRIPTION_KEY.test(key ?? '') ? SUBSCRIPTION : PLATFORM;
}
