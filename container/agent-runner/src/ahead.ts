import type { Layout } from '../../../src/protocol/layout.ts';
import { readEnvDir } from './env-file.ts';
import type { AgentProvider } from './providers/provider.ts';
import { providerIfKnown } from './providers/providers.ts';
import { reachModel } from './reach-model.ts';

/** What is ready before the turn is read: most of a start does not wait for the turn itself. */
export interface Ahead {
  /** The environment and `env-dir/env`; the addresses in it can be reached from here. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The agent that AGENT_PROVIDER names, and its program under way where that takes long. */
  readonly provider: AgentProvider | undefined;
}

/** @param stop ends what was started @throws TurnFailure when the host's keys cannot be reached */
export async function prepareAhead(layout: Layout, stop: AbortSignal): Promise<Ahead> {
  const given = { ...process.env, ...readEnvDir(layout.envDir) };
  const [env, provider] = await Promise.all([reachModel(given), providerIfKnown(given.AGENT_PROVIDER)]);
  await provider?.startAhead?.({ layout, env, stop });
  return { env, provider };
}
