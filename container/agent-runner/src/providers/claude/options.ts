import { TOOL_SERVER_NAME, toolServer } from '../../tools/tool-server.ts';
import type { Memory } from '../memory.ts';
import type { AgentTurn } from '../provider.ts';
import { MEMORY_FILE, systemText } from '../system-text.ts';
import { archiveConversation } from './archive.ts';
import { claudeEnvironment } from './environment.ts';
import type { SdkOptions } from './sdk.ts';

/**
 * Tools of the program that promise what this sandbox cannot keep: it ends with the turn, nobody can be asked meanwhile,
 * and what is to happen later is a scheduled task of the host.
 */
const DISALLOWED_TOOLS = [
  'AskUserQuestion',
  'CronCreate',
  'CronDelete',
  'CronList',
  'EnterWorktree',
  'ExitWorktree',
  'ListAgents',
  'Monitor',
  'ScheduleWakeup',
  'SendMessage',
] as const;

/** How the program is started for a turn. @param spawn absent: by the SDK itself */
export function claudeOptions(
  turn: AgentTurn,
  memory: Memory,
  spawn?: SdkOptions['spawnClaudeCodeProcess'],
): SdkOptions {
  const { input, layout, sessionId, resumeAt } = turn;
  const { command, args, env } = toolServer(turn);
  return {
    cwd: layout.group,
    env: claudeEnvironment(turn),
    ...(input.model === undefined ? {} : { model: input.model }),
    // The sandbox is the boundary, and nobody is there to be asked.
    permissionMode: 'bypassPermissions',
    allowDangerouslySkipPermissions: true,
    settingSources: ['project', 'user'],
    disallowedTools: DISALLOWED_TOOLS,
    ...(sessionId === undefined ? {} : { resume: sessionId }),
    ...(sessionId === undefined || resumeAt === undefined ? {} : { resumeSessionAt: resumeAt }),
    mcpServers: { [TOOL_SERVER_NAME]: { type: 'stdio', command, args, env, alwaysLoad: true } },
    mcpServersDelivery: 'initialize',
    systemPrompt: {
      type: 'preset',
      preset: 'claude_code',
      append: appendix(turn, memory),
      // A recorded prompt would keep the text of the session's first turn for ever.
      snapshot: false,
    },
    hooks: {
      PreCompact: [
        {
          hooks: [
            async ({ transcript_path }) => {
              await archiveConversation(transcript_path, layout.group, new Date());
              return {};
            },
          ],
        },
      ],
    },
    ...(spawn === undefined ? {} : { spawnClaudeCodeProcess: spawn }),
  };
}

/** The chat's own memory is not in it: the program reads that from its working directory. */
function appendix({ input, layout }: AgentTurn, { global, earlier }: Memory): string {
  const parts = [systemText(input, layout)];
  if (global !== undefined)
    parts.push(`The memory of all chats (${layout.global}/${MEMORY_FILE}):\n\n${global}`);
  if (earlier !== undefined) parts.push(earlier);
  return parts.join('\n\n');
}
