import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { ModelProtocol, ModelRequest, Said } from './model-server.ts';
import { USAGE } from './model-server.ts';
import { bearerKey } from './wire.ts';

interface Message {
  readonly role: string;
  readonly content?: string | readonly { readonly type: string; readonly text?: string }[] | null;
}

/** What of a request's body matters here. */
interface ChatBody {
  readonly model?: string;
  readonly messages?: readonly Message[];
  readonly tools?: readonly { readonly function?: { readonly name?: string } }[];
}

/** The programs' own notes come as messages of the user too, also after a tool has answered. */
const REMINDER = /^\s*<system-reminder>/;

function textOf({ content }: Message): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text = '' }) => text).join('');
}

function isPerson(message: Message): boolean {
  return message.role === 'user' && !REMINDER.test(textOf(message));
}

function read(path: string, headers: IncomingHttpHeaders, body: unknown): ModelRequest | undefined {
  if (new URL(path, 'http://local').pathname !== '/v1/chat/completions') return undefined;
  const { model = '', messages = [], tools = [] } = (body ?? {}) as ChatBody;
  const lastPerson = messages.findLastIndex(isPerson);
  return {
    key: bearerKey(headers),
    headers,
    path,
    body,
    model,
    userTexts: messages.filter(({ role }) => role === 'user').map(textOf),
    toolResults: messages
      .slice(lastPerson + 1)
      .filter(({ role }) => role === 'tool')
      .map(textOf),
    tools: tools.map((tool) => tool.function?.name ?? ''),
  };
}

function write(step: Said, request: ModelRequest, response: ServerResponse): void {
  if (step.kind === 'error') {
    response.writeHead(step.status, { 'content-type': 'application/json', ...step.headers });
    response.end(JSON.stringify({ error: { message: step.message, type: step.type } }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const turn = (request.body as ChatBody).messages?.length ?? 0;
  const head = {
    id: `chatcmpl_${turn}`,
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: request.model,
  };
  const say = (fields: object) => response.write(`data: ${JSON.stringify({ ...head, ...fields })}\n\n`);
  const choice = (delta: object, reason: string | null = null) =>
    say({ choices: [{ index: 0, delta, finish_reason: reason }] });
  choice({ role: 'assistant', content: '' });
  if (step.kind === 'text') {
    choice({ content: step.text });
    choice({}, 'stop');
  } else {
    const call = { name: step.name, arguments: JSON.stringify(step.input) };
    choice({ tool_calls: [{ index: 0, id: `call_${turn}`, type: 'function', function: call }] });
    choice({}, 'tool_calls');
  }
  const { inputTokens, outputTokens } = USAGE;
  const usage = {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
  say({ choices: [], usage });
  response.end('data: [DONE]\n\n');
}

/** The chat completions as Kimi speaks them: `POST /v1/chat/completions`, always streaming. */
export const chatProtocol: ModelProtocol = { read, write };
