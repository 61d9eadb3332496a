import { join } from 'node:path';
import { childEnvironment } from '../programs/child-environment.ts';
import type { AgentTurn } from '../provider.ts';

/** Claude's own variables: keys, addresses, models, and the switches that an operator sets. */
const OWN = /^(?:ANTHROPIC|CLAUDE_CODE)_[A-Z0-9_]+$/;
const ALSO = new Set([
  'API_TIMEOUT_MS',
  'BASH_DEFAULT_TIMEOUT_MS',
  'BASH_MAX_TIMEOUT_MS',
  'MAX_THINKING_TOKENS',
  'MCP_TIMEOUT',
  'MCP_TOOL_TIMEOUT',
]);

/** What an operator may set otherwise. */
const DEFAULTS = {
  // About eight seconds of patience with a busy service; after that the host tries the whole turn again.
  CLAUDE_CODE_MAX_RETRIES: '4',
  // The memory is CLAUDE.md, which every agent reads; the program's own notes no other agent would find.
  CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
  // The sandbox ends with the turn, and with it whatever still runs.
  CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
  // They are for work on source code, and send reminders into settings and loops instead of scheduled tasks.
  CLAUDE_CODE_DISABLE_BUNDLED_SKILLS: '1',
} as const;

const FIXED = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  // Otherwise the tools of MCP servers are kept out of the request.
  ENABLE_TOOL_SEARCH: 'false',
} as const;

/** The environment of Claude's program: what every program needs, Claude's own variables, and no other agent's. */
export function claudeEnvironment(turn: Pick<AgentTurn, 'env' | 'layout'>): Record<string, string> {
  const own: Record<string, string> = { ...DEFAULTS };
  for (const [name, value] of Object.entries(turn.env)) {
    if (value !== undefined && value !== '' && (OWN.test(name) || ALSO.has(name))) own[name] = value;
  }
  return childEnvironment(turn, { ...own, ...FIXED, CLAUDE_CONFIG_DIR: join(turn.layout.home, '.claude') });
}
