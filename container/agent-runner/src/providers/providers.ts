import type { Provider } from '../../../../src/protocol/turn.ts';
import type { AgentProvider } from './provider.ts';

/** Loaded when it is asked for: no turn waits for another agent's code. */
const LOADERS = {
  claude: async () => new (await import('./claude.ts')).ClaudeProvider(),
  codex: async () => new (await import('./codex.ts')).CodexProvider(),
  kimi: async () => new (await import('./kimi.ts')).KimiProvider(),
  offline: async () => new (await import('./offline.ts')).OfflineProvider(),
} as const satisfies Readonly<Record<Provider, () => Promise<AgentProvider>>>;

/** The agent of that name. Whether its program is there shows when it is asked. */
export function providerNamed(name: Provider): Promise<AgentProvider> {
  return LOADERS[name]();
}
