import { PROVIDERS, type Provider } from '../../../../src/protocol/turn.ts';
import type { AgentProvider } from './provider.ts';

/** Loaded when it is asked for: no turn waits for another agent's code. */
const LOADERS = {
  claude: async () => (await import('./claude.ts')).ClaudeProvider,
  codex: async () => (await import('./codex.ts')).CodexProvider,
  kimi: async () => (await import('./kimi.ts')).KimiProvider,
  offline: async () => (await import('./offline.ts')).OfflineProvider,
} as const satisfies Readonly<Record<Provider, () => Promise<new () => AgentProvider>>>;

/** The agent of that name. Whether its program is there shows when it is asked. */
export async function providerNamed(name: Provider): Promise<AgentProvider> {
  return new (await LOADERS[name]())();
}

/** Loads an agent's code ahead of the turn that will name it. @param name what is no agent's name is passed over */
export async function preloadProvider(name: string | undefined): Promise<void> {
  const known = PROVIDERS.find((provider) => provider === name);
  if (known !== undefined) await LOADERS[known]();
}
