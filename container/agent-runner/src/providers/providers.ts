import type { Provider } from '../../../../src/protocol/turn.ts';
import { TurnFailure } from '../failure.ts';
import { OfflineProvider } from './offline.ts';
import type { AgentProvider } from './provider.ts';

const BUILDERS: Readonly<Partial<Record<Provider, () => AgentProvider>>> = {
  offline: () => new OfflineProvider(),
};

/**
 * The agent of that name.
 * @throws TurnFailure when this build has no such agent
 */
export function providerNamed(name: Provider): AgentProvider {
  const build = BUILDERS[name];
  if (build !== undefined) return build();
  const present = Object.keys(BUILDERS).join(', ');
  throw new TurnFailure(
    `The agent "${name}" is not in this build of the runner, which has: ${present}. Set AGENT_PROVIDER to one of these`,
  );
}
