import { TurnFailure } from '../../failure.ts';
import { modelFailure } from '../programs/model-failure.ts';
import { toolServerLost } from '../programs/tool-server-failure.ts';

/**
 * How Codex says that there is no such session, or that its record cannot be read as one. Each was seen of the real program;
 * of a record that it may not open it begins in the same way and ends in the system's words, and that costs no session.
 */
const SESSION_LOST = [
  /^thread\/(?:resume|fork)\b.* failed: no rollout found for thread id \S/,
  /^thread\/(?:resume|fork)\b.* rollout at .+\.jsonl (?:is empty|does not start with session metadata)/,
  /^thread\/(?:resume|fork)\b.* session metadata .+\.jsonl: stream did not contain valid UTF-8/,
] as const;

const OTHER_PROVIDER = /cannot change this thread's model provider/i;
const TOOL_SERVER_FAILED = /required MCP servers failed to initialize: ([^\n]*)/;
const STATUS = /(?:unexpected status|last status:) (\d{3})/;
/** How Codex spells a message that has a cause but no status: the service's own word for an unknown model. */
const ADDRESS = /, url: \S+/;

/** Whether a session was not resumed because it was made under another provider's name. */
export function isOtherProvider(said: string | undefined): boolean {
  return said !== undefined && OTHER_PROVIDER.test(lastError(said));
}

/**
 * What a failed run tells.
 * @param said the error of the turn, or else the end of stderr
 */
export function codexFailure(said: string): TurnFailure {
  const words = lastError(said).replace(ADDRESS, '');
  const tools = TOOL_SERVER_FAILED.exec(words);
  if (tools !== null) {
    const [reason = ''] = (tools[1] ?? '').split(', when ');
    return toolServerLost(reason);
  }
  // Before the rest: what stands behind a status are the words of the service, or of whatever answers in its place.
  const status = STATUS.exec(words)?.[1];
  if (status !== undefined) return modelFailure(words, Number(status));
  if (SESSION_LOST.some((pattern) => pattern.test(words))) return new TurnFailure(words, 'session_lost');
  if (/missing environment variable/i.test(words)) return new TurnFailure(words, 'no_key');
  return modelFailure(words);
}

/** Of several lines the last that Codex calls an error. */
function lastError(said: string): string {
  const lines = said.trim().split('\n');
  return (lines.findLast((line) => line.startsWith('Error: ')) ?? lines.at(-1) ?? '').replace(/^Error: /, '');
}
