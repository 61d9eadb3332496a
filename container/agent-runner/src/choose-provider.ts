import { isProvider, PROVIDERS, type Provider } from '../../../src/protocol/provider.ts';
import type { TurnInput } from '../../../src/protocol/turn.ts';
import { TurnFailure } from './failure.ts';

/** Which variables bring a key for which agent, in the order in which the agents are preferred. */
const KEYS = [
  ['claude', ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN']],
  ['codex', ['CODEX_API_KEY', 'OPENAI_API_KEY']],
  ['kimi', ['KIMI_API_KEY']],
] as const satisfies readonly (readonly [Provider, readonly string[]])[];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Which agent answers: the one that the turn names, else AGENT_PROVIDER, else the first one whose key is there.
 * @throws TurnFailure that names the variables, when nothing decides
 */
export function chooseProvider(input: Pick<TurnInput, 'provider' | 'secrets'>, env: Environment): Provider {
  if (input.provider !== undefined) return input.provider;
  const named = env.AGENT_PROVIDER;
  if (named !== undefined && named !== '') {
    if (isProvider(named)) return named;
    throw new TurnFailure(`AGENT_PROVIDER is "${named}"; it may be ${PROVIDERS.join(', ')}`);
  }
  const has = (name: string) => Boolean(env[name] || input.secrets?.[name]);
  const withKey = KEYS.find(([, names]) => names.some(has));
  if (withKey !== undefined) return withKey[0];
  const variables = KEYS.flatMap(([, names]) => names).join(', ');
  throw new TurnFailure(`No agent is set up: set AGENT_PROVIDER, or one of ${variables}`, 'no_key');
}
