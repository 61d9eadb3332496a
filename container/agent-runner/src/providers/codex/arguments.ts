import { type ToolServer, toolServer } from '../../tools/tool-server.ts';
import { noKey } from '../programs/model-failure.ts';
import type { AgentTurn } from '../provider.ts';
import { type TomlValue, toml } from './toml.ts';

/** Where Codex's own service is. */
const DEFAULT_BASE_URL = 'https://api.openai.com/v1';
const KEY_VARIABLES = ['CODEX_API_KEY', 'OPENAI_API_KEY'] as const;
/** Codex resumes no session that was made under another name (it can be copied, see codex.ts): never change it. */
const PROVIDER_ID = 'proxy';
/** Codex waits this long for the tool server's first word: a small machine that is busy takes its time. */
const TOOL_SERVER_START_S = 60;

type Settings = Readonly<Record<string, TomlValue>>;

/** An earlier session, and how it goes on: itself, or as a copy under a new id. */
export interface EarlierSession {
  readonly id: string;
  readonly how: 'resume' | 'fork';
}

/** What every run of Codex is set to, whatever a configuration file says. */
const FIXED = {
  model_provider: PROVIDER_ID,
  // Otherwise it waits five seconds for its own service when it ends.
  'analytics.enabled': false,
  'features.plugins': false,
  // Otherwise it tries for ever where nothing answers.
  'features.unbounded_connection_retries': false,
  // Agents under the agent outlive no turn, and their send_message is none of ours.
  'features.multi_agent': false,
  'agents.enabled': false,
  'skills.bundled.enabled': false,
  // Memory and system text come by AGENTS.md in Codex's own folder, which is read anew at every turn.
  project_doc_max_bytes: 0,
  'shell_environment_policy.exclude': [...KEY_VARIABLES],
} as const satisfies Settings;

/** The key that is to be used and the variable that brings it; undefined where the address alone is set. */
export function codexKey(
  env: AgentTurn['env'],
): { readonly name: string; readonly value: string } | undefined {
  for (const name of KEY_VARIABLES) {
    const value = env[name];
    if (value) return { name, value };
  }
  return undefined;
}

function provider(env: AgentTurn['env']): TomlValue {
  const key = codexKey(env);
  const address = env.OPENAI_BASE_URL;
  if (key === undefined && !address) throw noKey(KEY_VARIABLES);
  return {
    name: PROVIDER_ID,
    base_url: address || DEFAULT_BASE_URL,
    wire_api: 'responses',
    request_max_retries: 2,
    stream_max_retries: 2,
    ...(key === undefined ? {} : { env_key: key.name }),
  };
}

function server({ command, args, env }: ToolServer): TomlValue {
  return { command, args, env, required: true, startup_timeout_sec: TOOL_SERVER_START_S };
}

/**
 * The arguments of one run; the prompt comes on stdin.
 * @param session undefined: a new one
 * @throws TurnFailure when there is neither a key nor an address
 */
export function codexArguments(
  turn: Pick<AgentTurn, 'input' | 'layout' | 'env'>,
  session: EarlierSession | undefined,
): string[] {
  const tools = toolServer(turn);
  const settings: Settings = {
    ...FIXED,
    [`model_providers.${PROVIDER_ID}`]: provider(turn.env),
    [`mcp_servers.${tools.name}`]: server(tools),
  };
  const model = turn.input.model ?? turn.env.AGENT_MODEL;
  return [
    'exec',
    ...(session === undefined ? [] : [session.how]),
    '--json',
    '--dangerously-bypass-approvals-and-sandbox',
    '--skip-git-repo-check',
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${toml(value)}`]),
    ...(model ? ['-m', model] : []),
    ...(session === undefined ? [] : [session.id]),
    '-',
  ];
}
