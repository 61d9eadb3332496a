import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Protocol } from './model-service.ts';
import { CANARY, startProxy } from './testing/proxy.ts';
import { startService } from './testing/service.ts';
import type { Usage } from './usage.ts';
import { UsageReader } from './usage-reader.ts';

const events = (...data: readonly unknown[]): string =>
  data.map((one) => `event: x\ndata: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('');

const CLAUDE_STREAM = events(
  {
    type: 'message_start',
    message: {
      model: 'claude-x',
      usage: {
        input_tokens: 10,
        cache_creation_input_tokens: 200,
        cache_read_input_tokens: 3000,
        output_tokens: 1,
      },
    },
  },
  { type: 'ping' },
  { type: 'content_block_delta', delta: { type: 'text_delta', text: 'Grüße “usage” 🎉' } },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 55 } },
  { type: 'message_stop' },
);

const RESPONSES_STREAM = events(
  { type: 'response.created', response: { model: 'gpt-x', usage: null } },
  { type: 'response.output_text.delta', delta: 'Grüße 🎉' },
  {
    type: 'response.completed',
    response: {
      model: 'gpt-x',
      usage: { input_tokens: 900, input_tokens_details: { cached_tokens: 800 }, output_tokens: 44 },
    },
  },
);

const CHAT_STREAM = events(
  { model: 'kimi-x', choices: [{ delta: { content: 'Grüße 🎉' } }], usage: null },
  { model: 'kimi-x', choices: [{ delta: {}, finish_reason: 'stop' }] },
  {
    model: 'kimi-x',
    choices: [],
    usage: { prompt_tokens: 70, completion_tokens: 8, prompt_tokens_details: { cached_tokens: 60 } },
  },
  '[DONE]',
);

const STREAMS: readonly (readonly [Protocol, string, Usage])[] = [
  [
    'messages',
    CLAUDE_STREAM,
    { model: 'claude-x', inputTokens: 3210, cachedInputTokens: 3000, outputTokens: 55 },
  ],
  [
    'responses',
    RESPONSES_STREAM,
    { model: 'gpt-x', inputTokens: 900, cachedInputTokens: 800, outputTokens: 44 },
  ],
  ['chat', CHAT_STREAM, { model: 'kimi-x', inputTokens: 70, cachedInputTokens: 60, outputTokens: 8 }],
];

function read(
  protocol: Protocol,
  pieces: readonly Buffer[],
  type = 'text/event-stream; charset=utf-8',
  limit?: number,
) {
  const reader = new UsageReader(protocol, type, limit);
  for (const piece of pieces) reader.push(piece);
  return reader.end();
}

const json = (protocol: Protocol, body: unknown) =>
  read(protocol, [Buffer.from(JSON.stringify(body))], 'application/json');

describe('the usage in a stream', () => {
  it.each(STREAMS)('is read for %s wherever the bytes are split', (protocol, stream, usage) => {
    for (const text of [stream, stream.replaceAll('\n', '\r\n')]) {
      const bytes = Buffer.from(text);
      const splits = Array.from({ length: bytes.length + 1 }, (_, at) => at);
      const misread = splits.filter(
        (at) => !isDeepStrictEqual(read(protocol, [bytes.subarray(0, at), bytes.subarray(at)]), usage),
      );
      expect(misread).toEqual([]);
      expect(
        read(
          protocol,
          Array.from(bytes, (byte) => Buffer.of(byte)),
        ),
      ).toEqual(usage);
    }
  });

  it.each(STREAMS)(
    'is read for %s through any pieces, with anything between the events',
    (protocol, stream, usage) => {
      const noise = fc.constantFrom(
        ': a comment\n\n',
        'data: {"usage": not json\n\n',
        'data: {"type":"message_delta","usage":"a lot"}\n\n',
        'data: {"usage":{"input_tokens":-1,"prompt_tokens":1.5}}\n\n',
        'data: {"type":"later","usage":{"x":1}}\n\n',
        'id: 7\nretry: 10\n\n',
        '\n\n\n',
      );
      const between = fc.array(noise, { maxLength: 4 }).map((some) => some.join(''));
      fc.assert(
        fc.property(between, between, fc.array(fc.nat(2000), { maxLength: 12 }), (head, tail, cuts) => {
          const bytes = Buffer.from(head + stream + tail);
          const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
          const pieces = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
          expect(read(protocol, pieces)).toEqual(usage);
        }),
      );
    },
  );

  it('is read from a stream that broke off, as far as it arrived', () => {
    const started = CLAUDE_STREAM.slice(0, CLAUDE_STREAM.indexOf('event: x\ndata: {"type":"message_delta"'));
    expect(read('messages', [Buffer.from(started)])).toMatchObject({ inputTokens: 3210, outputTokens: 1 });
    expect(read('responses', [Buffer.from(RESPONSES_STREAM.slice(0, -200))])).toBeUndefined();
    // Whole but for the empty line after it.
    expect(read('responses', [Buffer.from(RESPONSES_STREAM.trimEnd())])).toMatchObject({ outputTokens: 44 });
  });

  it('is read after events and lines that are too large, which are skipped', () => {
    const large = 'x'.repeat(5000);
    const stream =
      events({ type: 'message_delta', usage: { output_tokens: 999 }, large }) +
      `data: ${large.slice(0, 600)}\n`.repeat(5) +
      `\n${large}\n\n` +
      CLAUDE_STREAM;
    const pieces = stream.match(/[\s\S]{1,100}/gu)?.map((piece) => Buffer.from(piece)) ?? [];
    expect(read('messages', pieces, 'text/event-stream', 2000)).toMatchObject({ outputTokens: 55 });
  });

  it('is read from an event of several lines', () => {
    const stream = 'data: {"model":"m",\ndata: "usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n';
    expect(read('chat', [Buffer.from(stream)])).toEqual({
      model: 'm',
      inputTokens: 1,
      cachedInputTokens: 0,
      outputTokens: 2,
    });
  });
});

describe('the usage elsewhere', () => {
  it('is read from an answer that is not streamed', () => {
    const usage = { input_tokens: 3, output_tokens: 4 };
    const expected = { model: 'm', inputTokens: 3, cachedInputTokens: 0, outputTokens: 4 };
    expect(json('messages', { type: 'message', model: 'm', usage })).toEqual(expected);
    expect(json('responses', { object: 'response', model: 'm', usage })).toEqual(expected);
    expect(json('responses', { object: 'response.compaction', usage })).toEqual({
      ...expected,
      model: 'unknown',
    });
    expect(json('chat', { model: 'm', usage: { prompt_tokens: 3, completion_tokens: 4 } })).toEqual(expected);
  });

  it('is read where Moonshot puts it', () => {
    const usage = { prompt_tokens: 30, completion_tokens: 4, cached_tokens: 20 };
    expect(json('chat', { model: 'm', choices: [{ usage }] })).toEqual({
      model: 'm',
      inputTokens: 30,
      cachedInputTokens: 20,
      outputTokens: 4,
    });
  });

  it('is not found in other protocols’ words, in other content, or beyond the limit', () => {
    const usage = { input_tokens: 3, output_tokens: 4 };
    expect(json('chat', { type: 'message', model: 'm', usage: { input_tokens: 3 } })).toBeUndefined();
    expect(json('messages', { error: { message: 'usage' } })).toBeUndefined();
    expect(json('responses', null)).toBeUndefined();
    const body = Buffer.from(JSON.stringify({ type: 'message', model: 'm', usage }));
    expect(read('messages', [body], 'text/html')).toBeUndefined();
    expect(read('messages', [body], 'application/json', 20)).toBeUndefined();
    expect(new UsageReader('messages', undefined).end()).toBeUndefined();
  });
});

describe('the usage report of the proxy', () => {
  it.each([
    ['claude', 'ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', '/v1/messages', 0],
    ['codex', 'CODEX_API_KEY', 'OPENAI_BASE_URL', '/v1/responses', 1],
    ['kimi', 'KIMI_API_KEY', 'KIMI_BASE_URL', '/v1/chat/completions', 2],
  ] as const)(
    'the usage of %s is reported to the run that caused it, and the bytes stay the same',
    async (provider, key, variable, path, index) => {
      const [, stream, usage] = STREAMS[index] ?? STREAMS[0]!;
      const service = await startService((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const piece of stream.match(/[\s\S]{1,7}/gu) ?? []) response.write(piece);
        response.end();
      });
      const suffix = provider === 'claude' ? '' : '/v1';
      const proxy = await startProxy({ [key]: CANARY, [variable]: service.url + suffix });
      const { token } = await proxy.issue(provider, 'run-7');
      const reply = await proxy.call({ path, headers: { authorization: `Bearer ${token}` }, body: '{}' });
      expect(reply.body).toBe(stream);
      expect(proxy.usage).toEqual([{ runId: 'run-7', groupFolder: 'family', provider, ...usage }]);
    },
  );

  it('leaves out requests that only count tokens, and survives an error of the receiver', async () => {
    const service = await startService((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"type":"message","model":"m","usage":{"input_tokens":3,"output_tokens":4}}');
    });
    const told: unknown[] = [];
    const proxy = await startProxy(
      { ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: service.url },
      {
        onUsage: (report) => {
          told.push(report);
          throw new Error('disk full');
        },
      },
    );
    const { token } = await proxy.issue('claude');
    const headers = { 'x-api-key': token };
    await proxy.call({ path: '/v1/messages/count_tokens', headers, body: '{}' });
    expect(told).toEqual([]);
    await proxy.call({ path: '/v1/messages', headers, body: '{}' });
    expect((await proxy.call({ path: '/v1/messages', headers, body: '{}' })).status).toBe(200);
    expect(told).toHaveLength(2);
    expect(proxy.logged()).toContain('Usage cannot be kept');
  });
});
