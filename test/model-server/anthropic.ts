import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { z } from 'zod';
import { type ModelProtocol, type ModelRequest, type Said, USAGE } from './model-server.ts';

const Text = z.object({ type: z.literal('text'), text: z.string() });
const ToolResult = z.object({
  type: z.literal('tool_result'),
  content: z.union([z.string(), z.array(z.union([Text, z.looseObject({ type: z.string() })]))]).optional(),
});
const Block = z.union([Text, ToolResult, z.looseObject({ type: z.string() })]);
const Body = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  system: z.union([z.string(), z.array(Text)]).optional(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.union([z.string(), z.array(Block)]) })),
  tools: z.array(z.looseObject({ name: z.string() })).optional(),
});
type Body = z.infer<typeof Body>;
type Block = z.infer<typeof Block>;

type Saying = Exclude<Said, { kind: 'error' }>;

/** What the agent itself writes in a person's name. */
const REMINDER = /^\s*<system-reminder>/;

/** How Claude tells its model what a person said while it worked. */
const MID_TURN =
  /The user sent a new message while you were working:\n([\s\S]*?)\n\nThis is how Claude Code/g;

function isText(block: Block): block is z.infer<typeof Text> {
  return block.type === 'text';
}

function isToolResult(block: Block): block is z.infer<typeof ToolResult> {
  return block.type === 'tool_result';
}

function resultText({ content = '' }: z.infer<typeof ToolResult>): string {
  if (typeof content === 'string') return content;
  return content
    .filter(isText)
    .map(({ text }) => text)
    .join('\n');
}

function midTurnMessages({ text }: z.infer<typeof Text>): string[] {
  return [...text.matchAll(MID_TURN)].map(([, said = '']) => said);
}

function blocksOf({ content }: Body['messages'][number]): readonly Block[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

/** The system prompt of a request, its blocks joined; for a look at what an agent is told. */
export function systemPromptOf(request: ModelRequest): string {
  const { system = '' } = Body.parse(request.body);
  return typeof system === 'string' ? system : system.map(({ text }) => text).join('\n');
}

function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['x-api-key'];
  if (typeof key === 'string') return key;
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

function read(path: string, headers: IncomingHttpHeaders, json: unknown): ModelRequest | undefined {
  if (new URL(path, 'http://localhost').pathname !== '/v1/messages') return undefined;
  const parsed = Body.safeParse(json);
  if (!parsed.success) return undefined;
  const userTexts: string[] = [];
  let toolResults: string[] = [];
  for (const message of parsed.data.messages) {
    const blocks = blocksOf(message);
    if (message.role === 'system') userTexts.push(...blocks.filter(isText).flatMap(midTurnMessages));
    for (const block of message.role === 'user' ? blocks : []) {
      if (isToolResult(block)) toolResults.push(resultText(block));
      if (!isText(block)) continue;
      userTexts.push(block.text);
      if (!REMINDER.test(block.text)) toolResults = [];
    }
  }
  return {
    key: keyOf(headers),
    headers,
    path,
    body: json,
    model: parsed.data.model,
    userTexts,
    toolResults,
    tools: (parsed.data.tools ?? []).map(({ name }) => name),
  };
}

function contentOf(step: Saying): Readonly<Record<string, unknown>> {
  if (step.kind === 'text') return { type: 'text', text: step.text };
  return { type: 'tool_use', id: `toolu_${randomUUID()}`, name: step.name, input: step.input };
}

function messageOf(
  model: string,
  content: readonly unknown[],
  stopReason: string | null,
  outputTokens: number,
) {
  return {
    id: `msg_${randomUUID()}`,
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage: { input_tokens: USAGE.inputTokens, output_tokens: outputTokens },
  };
}

/** The events of a stream, in order, each with its type as its name. */
function* events(step: Saying, model: string) {
  yield { type: 'message_start', message: messageOf(model, [], null, 1) };
  const empty = step.kind === 'text' ? { text: '' } : { input: {} };
  yield { type: 'content_block_start', index: 0, content_block: { ...contentOf(step), ...empty } };
  const delta =
    step.kind === 'text'
      ? { type: 'text_delta', text: step.text }
      : { type: 'input_json_delta', partial_json: JSON.stringify(step.input) };
  yield { type: 'content_block_delta', index: 0, delta };
  yield { type: 'content_block_stop', index: 0 };
  yield {
    type: 'message_delta',
    delta: { stop_reason: stopReasonOf(step), stop_sequence: null },
    usage: { output_tokens: USAGE.outputTokens },
  };
  yield { type: 'message_stop' };
}

function stopReasonOf({ kind }: Saying): string {
  return kind === 'text' ? 'end_turn' : 'tool_use';
}

function write(step: Said, request: ModelRequest, response: ServerResponse): void {
  if (step.kind === 'error') {
    const error = { type: step.type, message: step.message };
    const body = { type: 'error', error, request_id: `req_${randomUUID()}` };
    const headers = { 'content-type': 'application/json', ...step.headers };
    response.writeHead(step.status, headers).end(JSON.stringify(body));
    return;
  }
  if (Body.parse(request.body).stream !== true) {
    const message = messageOf(request.model, [contentOf(step)], stopReasonOf(step), USAGE.outputTokens);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(message));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events(step, request.model)) {
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
}

/** Anthropic's Messages API as Claude uses it: `POST /v1/messages`, as a stream or whole. */
export const anthropic: ModelProtocol = { read, write };
