import type { Provider } from '../../../src/protocol/provider.ts';
import type { OutputFrame } from '../../../src/protocol/turn.ts';
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
  /** What its service says of each kind of error, and what the chat is told of. */
  readonly errors: readonly {
    readonly kind: NonNullable<OutputFrame['errorKind']>;
    readonly status: number;
    readonly type: string;
    readonly message: string;
    readonly code?: string;
  }[];
  /** The host's variables for a service at this address. */
  env(url: string): Readonly<Record<string, string>>;
}

export const REAL_AGENTS: readonly RealAgent[] = [
  {
    provider: 'claude',
    protocol: anthropic,
    errors: [
      {
        kind: 'billing',
        status: 400,
        type: 'invalid_request_error',
        message:
          'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
      },
      { kind: 'key_refused', status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
      {
        kind: 'permission',
        status: 403,
        type: 'permission_error',
        message: 'Your API key does not have permission to use the specified resource.',
      },
      {
        kind: 'prompt_too_long',
        status: 400,
        type: 'invalid_request_error',
        message: 'prompt is too long: 208310 tokens > 200000 maximum',
      },
      { kind: 'model_unknown', status: 404, type: 'not_found_error', message: 'model: none' },
      { kind: 'rate_limit', status: 429, type: 'rate_limit_error', message: 'slow down' },
      { kind: 'overloaded', status: 529, type: 'overloaded_error', message: 'Overloaded' },
    ],
    env: (url) => ({ ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: url }),
  },
  {
    provider: 'codex',
    protocol: responses,
    errors: [
      { kind: 'key_refused', status: 401, type: 'invalid_api_key', message: 'Incorrect API key provided' },
      {
        kind: 'model_unknown',
        status: 404,
        type: 'model_not_found',
        message: 'The model `test-model` does not exist or you do not have access to it.',
      },
      {
        kind: 'billing',
        status: 429,
        type: 'insufficient_quota',
        message: 'You exceeded your current quota, please check your plan and billing details.',
      },
      {
        kind: 'permission',
        status: 403,
        type: 'request_forbidden',
        code: 'unsupported_country_region_territory',
        message: 'Country, region, or territory not supported',
      },
      {
        kind: 'prompt_too_long',
        status: 400,
        type: 'invalid_request_error',
        code: 'context_length_exceeded',
        message:
          'Your input exceeds the context window of this model. Please adjust your input and try again.',
      },
      { kind: 'rate_limit', status: 429, type: 'rate_limit_exceeded', message: 'Rate limit reached' },
      {
        kind: 'overloaded',
        status: 503,
        type: 'server_error',
        message: 'The engine is currently overloaded, please try again later',
      },
    ],
    env: (url) => ({ CODEX_API_KEY: CANARY, OPENAI_BASE_URL: `${url}/v1`, AGENT_MODEL: 'test-model' }),
  },
  {
    provider: 'kimi',
    protocol: chat,
    errors: [
      {
        kind: 'key_refused',
        status: 401,
        type: 'invalid_authentication_error',
        message: 'Invalid Authentication',
      },
      {
        kind: 'model_unknown',
        status: 404,
        type: 'resource_not_found_error',
        message: 'Not found the model test-model or Permission denied',
      },
      {
        kind: 'billing',
        status: 429,
        type: 'exceeded_current_quota_error',
        message: 'Your account is suspended due to insufficient balance, please recharge your account',
      },
      {
        kind: 'permission',
        status: 403,
        type: 'permission_denied_error',
        message: 'The API you are accessing is not open',
      },
      {
        kind: 'prompt_too_long',
        status: 400,
        type: 'invalid_request_error',
        message: 'Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)',
      },
      { kind: 'rate_limit', status: 429, type: 'rate_limit_reached_error', message: 'Rate limit reached' },
      {
        kind: 'overloaded',
        status: 429,
        type: 'engine_overloaded_error',
        message: 'The engine is currently overloaded, please try again later',
      },
    ],
    env: (url) => ({ KIMI_API_KEY: CANARY, KIMI_BASE_URL: `${url}/v1`, AGENT_MODEL: 'test-model' }),
  },
];

/** Codex goes on without what a command says when it takes longer; it may ask for half a minute at most, and asks for ten seconds itself. */
const CODEX_PATIENCE_MS = 30_000;

const SHELL = /^(?:Bash|Shell|shell|exec_command)$/;

/** Calls the agent's own shell. @throws when it offers none */
export function shell(request: ModelRequest, command: string): Step {
  const name = offered(request, SHELL);
  const input = name === 'exec_command' ? { cmd: command, yield_time_ms: CODEX_PATIENCE_MS } : { command };
  return { kind: 'tool', name, input };
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
