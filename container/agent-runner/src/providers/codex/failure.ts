import { TurnFailure } from '../../failure.ts';
import { TOOL_SERVER_NAME } from '../../tools/tool-server.ts';
import { modelFailure } from '../programs/model-failure.ts';

/** How Codex says that a session cannot be resumed; an error of the network or the service is never one of these. */
const SESSION_LOST = [
  /no rollout found/i,
  /failed to read (thread|session metadata)/i,
  /rollout at \S+ is empty/i,
  /session not found/i,
  /cannot change this thread's model provider/i,
] as const;

const TOOL_SERVER_FAILED = /required MCP servers failed to initialize: ([^\n]*)/;
const STATUS = /(?:unexpected status|last status:) (\d{3})/;
/** How Codex spells a message that has a cause but no status: the service's own word for an unknown model. */
const ADDRESS = /, url: \S+/;

/**
 * What a failed run tells.
 * @param said the error of the turn, or else the end of stderr
 */
export function codexFailure(said: string): TurnFailure {
  const words = lastError(said).replace(ADDRESS, '');
  if (SESSION_LOST.some((pattern) => pattern.test(words))) return new TurnFailure(words, 'session_lost');
  const tools = TOOL_SERVER_FAILED.exec(words);
  if (tools !== null) {
    const [reason = ''] = (tools[1] ?? '').split(', when ');
    return new TurnFailure(`The assistant’s tool server "${TOOL_SERVER_NAME}" did not start (${reason})`);
  }
  if (/missing environment variable/i.test(words)) return new TurnFailure(words, 'no_key');
  const status = STATUS.exec(words)?.[1];
  return modelFailure(words, status === undefined ? undefined : Number(status));
}

/** Of several lines the last that Codex calls an error. */
function lastError(said: string): string {
  const lines = said.trim().split('\n');
  return (lines.findLast((line) => line.startsWith('Error: ')) ?? lines.at(-1) ?? '').replace(/^Error: /, '');
}
