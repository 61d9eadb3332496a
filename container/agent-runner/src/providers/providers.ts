import type { Provider } from '../../../../src/protocol/turn.ts';
import { ClaudeProvider } from './claude.ts';
import { CodexProvider } from './codex.ts';
import { KimiProvider } from './kimi.ts';
import { OfflineProvider } from './offline.ts';
import type { AgentProvider } from './provider.ts';

const BUILDERS = {
  claude: () => new ClaudeProvider(),
  codex: () => new CodexProvider(),
  kimi: () => new KimiProvider(),
  offline: () => new OfflineProvider(),
} as const satisfies Readonly<Record<Provider, () => AgentProvider>>;

/** The agent of that name. Whether its program is there shows when it is asked. */
export function providerNamed(name: Provider): AgentProvider {
  return BUILDERS[name]();
}
