import { TOOL_SERVER_NAME } from '../../tools/tool-server.ts';
import type { Memory } from '../memory.ts';
import type { AgentTurn } from '../provider.ts';
import { systemText } from '../system-text.ts';

/** Codex's current models reach other servers' tools from code, and are told no more than that there are some. */
const TOOLS_TEXT = [
  `The tools of "${TOOL_SERVER_NAME}" are the functions mcp__${TOOL_SERVER_NAME}__NAME. Where you call tools from code, call`,
  `tools.mcp__${TOOL_SERVER_NAME}__NAME({…}); ALL_TOOLS lists them with their descriptions, also when they were not spelled out to you.`,
].join(' ');

/** All that Codex is to know beside the prompt, memories included, as they are now. */
export function codexInstructions(
  { input, layout }: Pick<AgentTurn, 'input' | 'layout'>,
  memory: Memory,
): string {
  const parts = [systemText(input, layout), TOOLS_TEXT];
  if (memory.global !== undefined) parts.push(`# Memory of all chats\n\n${memory.global}`);
  if (memory.group !== undefined) parts.push(`# Memory of this chat\n\n${memory.group}`);
  if (memory.earlier !== undefined) parts.push(memory.earlier);
  return `${parts.join('\n\n')}\n`;
}
