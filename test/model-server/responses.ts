import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { ModelProtocol, ModelRequest, Said } from './model-server.ts';
import { USAGE } from './model-server.ts';
import { callOf, offeredTools, type ResponsesBody } from './responses-tools.ts';
import { bearerKey } from './wire.ts';

type Item = NonNullable<ResponsesBody['input']>[number];

function textsOf(content: unknown): string[] {
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: { text?: unknown }) => (typeof part.text === 'string' ? [part.text] : []));
}

function isPerson(item: Item): boolean {
  return item.type === 'message' && item.role === 'user';
}

function resultOf(item: Item): string[] {
  if (item.type !== 'function_call_output' && item.type !== 'custom_tool_call_output') return [];
  return [textsOf(item.output).join('\n')];
}

function read(path: string, headers: IncomingHttpHeaders, body: unknown): ModelRequest | undefined {
  if (new URL(path, 'http://local').pathname !== '/v1/responses') return undefined;
  const { model = '', input = [] } = (body ?? {}) as ResponsesBody;
  const lastPerson = input.findLastIndex(isPerson);
  return {
    key: bearerKey(headers),
    headers,
    path,
    body,
    model,
    userTexts: input.filter(isPerson).flatMap((item) => textsOf(item.content)),
    toolResults: input.slice(lastPerson + 1).flatMap(resultOf),
    tools: offeredTools(body as ResponsesBody),
  };
}

function write(step: Said, request: ModelRequest, response: ServerResponse): void {
  if (step.kind === 'error') {
    const { status, message, type, code = type, headers } = step;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ error: { message, type, param: null, code } }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const say = (type: string, fields: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  const turn = (request.body as ResponsesBody).input?.length ?? 0;
  const id = `resp_${turn}`;
  say('response.created', { response: { id } });
  if (step.kind === 'text') {
    const item = { type: 'message', id: `msg_${turn}`, role: 'assistant' };
    const content = [{ type: 'output_text', text: step.text, annotations: [] }];
    say('response.output_item.added', { output_index: 0, item: { ...item, content: [] } });
    const place = { item_id: item.id, output_index: 0, content_index: 0 };
    say('response.output_text.delta', { ...place, delta: step.text });
    say('response.output_item.done', { output_index: 0, item: { ...item, content } });
  } else {
    const item = callOf(step, request.body as ResponsesBody, `call_${turn}`);
    say('response.output_item.added', { output_index: 0, item });
    say('response.output_item.done', { output_index: 0, item });
  }
  const usage = {
    input_tokens: USAGE.inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: USAGE.outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: USAGE.inputTokens + USAGE.outputTokens,
  };
  say('response.completed', { response: { id, usage } });
  response.end();
}

/** OpenAI's Responses as Codex speaks it: `POST /v1/responses`, always streaming. */
export const responsesProtocol: ModelProtocol = { read, write };
