import type { Credentials, RunCredentials } from '../agent/agent.ts';
import { ADDRESS_VARIABLES, KEY_VARIABLES } from '../config.ts';
import type { Provider } from '../protocol/provider.ts';

/** v1's way: the selected provider's variables, and no others, stand in the run's env-dir. Read again at each run. */
export class MountedKeys implements Credentials {
  readonly #readVariables: () => Readonly<Record<string, string | undefined>>;

  /** @param readVariables the environment with `.env` below it, as it is now */
  constructor(readVariables: () => Readonly<Record<string, string | undefined>>) {
    this.#readVariables = readVariables;
  }

  async issue({ provider }: { provider: Provider }): Promise<RunCredentials> {
    const variables = this.#readVariables();
    const env: Record<string, string> = {};
    for (const name of [...KEY_VARIABLES[provider], ...ADDRESS_VARIABLES[provider]]) {
      const value = variables[name];
      if (value !== undefined) env[name] = value;
    }
    return { env, mounts: [], release: async () => undefined };
  }
}
