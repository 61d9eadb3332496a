import type { TurnInput } from '../protocol/turn.ts';
import type { RunCredentials, TurnRequest } from './agent.ts';
import type { AgentSettings } from './settings.ts';

/** What is written to the sandbox's stdin. Keys are in it only where they are mounted. */
export function turnInput(
  request: TurnRequest,
  settings: AgentSettings,
  credentials: RunCredentials,
): TurnInput {
  const { prompt, groupFolder, chatJid, isMain, isScheduledTask, provider, model } = request;
  const { assistantName, credentialsMode } = settings;
  return {
    prompt,
    groupFolder,
    chatJid,
    isMain,
    isScheduledTask,
    assistantName,
    provider,
    ...(request.sessionId === undefined ? {} : { sessionId: request.sessionId }),
    ...(request.resumeAt === undefined ? {} : { resumeAt: request.resumeAt }),
    ...(request.script === undefined ? {} : { script: request.script }),
    ...(model === undefined ? {} : { model }),
    ...(credentialsMode === 'mount' ? { secrets: { ...credentials.env } } : {}),
  };
}
