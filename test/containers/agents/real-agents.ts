import type { Provider } from '../../../src/protocol/turn.ts';
import { anthropic } from '../../model-server/anthropic.ts';
import { chatProtocol as chat } from '../../model-server/chat.ts';
import type { ModelProtocol, ModelRequest, Step } from '../../model-server/model-server.ts';
import { responsesProtocol as responses } from '../../model-server/responses.ts';

/** A key that must never be seen but by the model's service. */
export const CANARY = 'sk-canary-5f1e7a3c9b2d4860';

/** A real agent's program, and the service that it speaks to. */
export interface RealAgent {
  readonly provider: Exclude<Provider, 'offline'>;
  readonly protocol: ModelProtocol;
  /** The host's variables for a service at this address. */
  env(url: string): Readonly<Record<string, string>>;
}

export const REAL_AGENTS: readonly RealAgent[] = [
  {
    provider: 'claude',
    protocol: anthropic,
    env: (url) => ({ ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: url }),
  },
  {
    provider: 'codex',
    protocol: responses,
    env: (url) => ({ CODEX_API_KEY: CANARY, OPENAI_BASE_URL: `${url}/v1`, AGENT_MODEL: 'test-model' }),
  },
  {
    provider: 'kimi',
    protocol: chat,
    env: (url) => ({ KIMI_API_KEY: CANARY, KIMI_BASE_URL: `${url}/v1`, AGENT_MODEL: 'test-model' }),
  },
];

const SHELL = /^(?:Bash|Shell|shell|exec_command)$/;

/** Calls the agent's own shell. @throws when it offers none */
export function shell(request: ModelRequest, command: string): Step {
  const name = offered(request, SHELL);
  return { kind: 'tool', name, input: name === 'exec_command' ? { cmd: command } : { command } };
}

/** Calls one of the assistant's tools. @throws when it is not offered */
export function tool(request: ModelRequest, name: string, input: Readonly<Record<string, unknown>>): Step {
  return { kind: 'tool', name: offered(request, new RegExp(`(?:^|_|\\W)${name}$`)), input };
}

function offered({ tools }: ModelRequest, pattern: RegExp): string {
  const found = tools.find((name) => pattern.test(name));
  if (found === undefined) throw new Error(`none of the tools is ${pattern}: ${tools.join(', ')}`);
  return found;
}

export const text = (words: string): Step => ({ kind: 'text', text: words });
