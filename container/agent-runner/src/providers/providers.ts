import { isProvider, type Provider } from '../../../../src/protocol/provider.ts';
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

/** The agent of a name that nobody has looked at yet; undefined where it is no agent's. */
export async function providerIfKnown(name: string | undefined): Promise<AgentProvider | undefined> {
  return name !== undefined && isProvider(name) ? providerNamed(name) : undefined;
}
