import { describe, expect, it, onTestFinished } from 'vitest';
import { anthropic, systemPromptOf } from './anthropic.ts';
import { type ModelServer, type Script, startModelServer, USAGE } from './model-server.ts';

async function serve(script: Script): Promise<ModelServer> {
  const server = await startModelServer(anthropic, script);
  onTestFinished(() => server.close());
  return server;
}

function post(
  server: ModelServer,
  body: unknown,
  headers: Record<string, string> = {},
  path = '/v1/messages',
) {
  return fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body), headers });
}

const HELLO = { model: 'claude-x', stream: true, messages: [{ role: 'user', content: 'hello' }] };

/** Reads a stream's events as the client's library does: name and data must agree. */
async function eventsOf(response: Response): Promise<Record<string, unknown>[]> {
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const text = await response.text();
  return text
    .trim()
    .split('\n\n')
    .map((event) => {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
      const json = JSON.parse(data ?? '') as Record<string, unknown>;
      expect(json.type).toBe(name);
      return json;
    });
}

describe('the Anthropic model server', () => {
  it('streams a text, with the usage', async () => {
    const server = await serve(() => ({ kind: 'text', text: 'hi ✓' }));
    const events = await eventsOf(await post(server, HELLO, {}, '/v1/messages?beta=true'));
    expect(events.map(({ type }) => type)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(events[0]).toMatchObject({
      message: { model: 'claude-x', usage: { input_tokens: USAGE.inputTokens } },
    });
    expect(events[2]).toMatchObject({ delta: { type: 'text_delta', text: 'hi ✓' } });
    expect(events[4]).toMatchObject({
      delta: { stop_reason: 'end_turn' },
      usage: { output_tokens: USAGE.outputTokens },
    });
  });

  it('streams a tool call', async () => {
    const server = await serve(() => ({ kind: 'tool', name: 'Bash', input: { command: 'ls' } }));
    const events = await eventsOf(await post(server, HELLO));
    expect(events[1]).toMatchObject({ content_block: { type: 'tool_use', name: 'Bash', input: {} } });
    expect(events[2]).toMatchObject({
      delta: { type: 'input_json_delta', partial_json: '{"command":"ls"}' },
    });
    expect(events[4]).toMatchObject({ delta: { stop_reason: 'tool_use' } });
  });

  it('answers whole when no stream is requested', async () => {
    const server = await serve(() => ({ kind: 'text', text: 'hi' }));
    const answer = (await (await post(server, { ...HELLO, stream: false })).json()) as object;
    expect(answer).toMatchObject({
      role: 'assistant',
      content: [{ type: 'text', text: 'hi' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: USAGE.inputTokens, output_tokens: USAGE.outputTokens },
    });
  });

  it('refuses in the form that its clients read', async () => {
    const server = await serve(() => ({
      kind: 'error',
      status: 429,
      type: 'rate_limit_error',
      message: 'slow',
    }));
    const response = await post(server, HELLO);
    expect(response.status).toBe(429);
    expect(await response.json()).toEqual({
      type: 'error',
      error: { type: 'rate_limit_error', message: 'slow' },
      request_id: expect.stringMatching(/^req_/),
    });
  });

  it('shows the script who asked, what was asked, and what the tools have answered since', async () => {
    const server = await serve(() => ({ kind: 'text', text: 'done' }));
    await post(
      server,
      {
        model: 'claude-x',
        system: [
          { type: 'text', text: 'You are' },
          { type: 'text', text: 'Andy' },
        ],
        tools: [{ name: 'Bash', input_schema: {} }],
        messages: [
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: '0', content: 'old' }] },
          { role: 'user', content: [{ type: 'text', text: 'look' }] },
          { role: 'assistant', content: [{ type: 'tool_use', id: '1', name: 'Bash', input: {} }] },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: '1', content: [{ type: 'text', text: 'a file' }] },
              { type: 'text', text: '<system-reminder>be brief</system-reminder>' },
            ],
          },
          { role: 'system', content: 'not said by a person' },
          {
            role: 'system',
            content: [
              {
                type: 'text',
                text: 'The user sent a new message while you were working:\nand hurry\n\nThis is how Claude Code shows it.',
              },
            ],
          },
        ],
      },
      { 'x-api-key': 'key-1' },
    );
    const [request] = server.requests;
    expect(request).toMatchObject({
      key: 'key-1',
      userTexts: ['look', '<system-reminder>be brief</system-reminder>', 'and hurry'],
      toolResults: ['a file'],
      tools: ['Bash'],
    });
    expect(request === undefined ? '' : systemPromptOf(request)).toBe('You are\nAndy');
  });

  it('accepts a key in either header', async () => {
    const server = await serve(() => ({ kind: 'text', text: 'ok' }));
    await post(server, HELLO, { authorization: 'Bearer token-1' });
    await post(server, HELLO);
    expect(server.requests.map(({ key }) => key)).toEqual(['token-1', undefined]);
  });

  it('refuses every other request', async () => {
    const server = await serve(() => ({ kind: 'text', text: 'ok' }));
    expect((await post(server, HELLO, {}, '/v1/messages/count_tokens')).status).toBe(404);
    expect((await post(server, { hello: 'there' })).status).toBe(404);
    expect(server.strangers).toEqual(['POST /v1/messages/count_tokens', 'POST /v1/messages']);
  });
});
