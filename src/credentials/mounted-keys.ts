import type { Credentials, RunCredentials } from '../agent/agent.ts';
import type { Provider } from '../protocol/turn.ts';

/** The variables that a provider may have in its sandbox under CREDENTIALS=mount: its keys and its address. */
const VARIABLES = {
  claude: ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_BASE_URL'],
  codex: ['CODEX_API_KEY', 'OPENAI_API_KEY', 'OPENAI_BASE_URL'],
  kimi: ['KIMI_API_KEY', 'KIMI_BASE_URL'],
  offline: [],
} as const satisfies Record<Provider, readonly string[]>;

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
    for (const name of VARIABLES[provider]) {
      const value = variables[name];
      if (value !== undefined) env[name] = value;
    }
    return { env, mounts: [], release: async () => undefined };
  }
}
