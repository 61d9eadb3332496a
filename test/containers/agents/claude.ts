import type { ModelRequest, Script, Step } from '../../model-server/model-server.ts';

/** What Claude calls the assistant's tools. */
export const CLAUDE_TOOL = (name: string): string => `mcp__nanoclaw__${name}`;

/** A call of Claude's shell. */
export function claudeShell(command: string): Step {
  return { kind: 'tool', name: 'Bash', input: { command } };
}

/** The last thing that a person said, the program's own reminders left out. */
export function lastSaid({ userTexts }: ModelRequest): string {
  return userTexts.filter((text) => !text.trimStart().startsWith('<system-reminder>')).at(-1) ?? '';
}

/** Calls the tools in order, one a request, then answers with what they said, joined by ` | `. */
export function toolsThenAnswer(...calls: readonly Step[]): Script {
  return ({ toolResults }) =>
    calls[toolResults.length] ?? { kind: 'text', text: `tools: ${toolResults.join(' | ')}` };
}

/** What Anthropic's service says of each kind of error, and what the runner makes of it. */
export const CLAUDE_ERRORS = [
  { status: 401, type: 'authentication_error', message: 'invalid x-api-key', kind: 'key_refused' },
  { status: 403, type: 'permission_error', message: 'not allowed', kind: 'key_refused' },
  { status: 404, type: 'not_found_error', message: 'model: none', kind: 'model_unknown' },
  { status: 429, type: 'rate_limit_error', message: 'slow down', kind: 'rate_limit' },
  { status: 529, type: 'overloaded_error', message: 'Overloaded', kind: 'rate_limit' },
] as const;

/** The refusal upon which Claude compacts its conversation and tries again: the archive is written then. */
export const TOO_LONG = {
  kind: 'error',
  status: 400,
  type: 'invalid_request_error',
  message: 'prompt is too long: 1210000 tokens > 1000000 maximum',
} as const satisfies Step;
