import { fileURLToPath } from 'node:url';
import type { AgentTurn } from '../providers/provider.ts';

/** How an agent's program starts the assistant's own MCP server. */
export interface ToolServer {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: no key is in it. */
  readonly env: Readonly<Record<string, string>>;
}

/** What the assistant's own tools are called by: `mcp__nanoclaw__send_message` in Claude's words. */
export const TOOL_SERVER_NAME = 'nanoclaw';

/** Where the bundled server lies: beside the bundled runner. */
const SERVER_FILE = fileURLToPath(new URL('./tools.mjs', import.meta.url));

/** The server for one turn: it is told whose tools it offers, and nothing else. */
export function toolServer({ input, layout, env }: Pick<AgentTurn, 'input' | 'layout' | 'env'>): ToolServer {
  return {
    name: TOOL_SERVER_NAME,
    command: process.execPath,
    args: [SERVER_FILE],
    env: {
      PATH: env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
      HOME: layout.home,
      TZ: env.TZ ?? 'UTC',
      ...(env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: env.NODE_COMPILE_CACHE }),
      NANOCLAW_WORKSPACE: layout.root,
      NANOCLAW_CHAT_JID: input.chatJid,
      NANOCLAW_GROUP_FOLDER: input.groupFolder,
      NANOCLAW_IS_MAIN: input.isMain ? '1' : '0',
      NANOCLAW_ASSISTANT_NAME: input.assistantName ?? 'Andy',
    },
  };
}
