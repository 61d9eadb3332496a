import { describe, expect, it, onTestFinished } from 'vitest';
import { type Script, startModelServer } from './model-server.ts';
import { responsesProtocol } from './responses.ts';

async function rig(script: Script) {
  const server = await startModelServer(responsesProtocol, script);
  onTestFinished(() => server.close());
  return {
    server,
    post: async (body: object, key = 'sk-1') => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const response = await fetch(`${server.url}/v1/responses`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      return { status: response.status, text: await response.text() };
    },
  };
}

/** The events of a stream. */
function events(
  text: string,
): { type: string; item?: Record<string, unknown>; response?: { usage?: object } }[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice('data: '.length)));
}

const user = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
const FUNCTIONS = [
  { type: 'function', name: 'exec_command' },
  { type: 'namespace', name: 'mcp__nanoclaw', tools: [{ type: 'function', name: 'send_message' }] },
  { type: 'web_search' },
];
const CODE = {
  type: 'additional_tools',
  tools: [{ type: 'namespace', name: 'functions', tools: [{ type: 'custom', name: 'exec' }] }],
};

describe('the server of the Responses protocol', () => {
  it('reads who asks, for which model, what was said and what tools answered since', async () => {
    const { server, post } = await rig(() => ({ kind: 'text', text: 'ok' }));
    const input = [
      user('one'),
      { type: 'function_call_output', call_id: 'a', output: 'old' },
      user('two'),
      { type: 'function_call', call_id: 'b', name: 'exec_command', arguments: '{}' },
      { type: 'function_call_output', call_id: 'b', output: 'new' },
      { type: 'custom_tool_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'newer' }] },
    ];
    await post({ model: 'm', input, tools: FUNCTIONS });
    expect(server.requests[0]).toMatchObject({
      key: 'sk-1',
      model: 'm',
      userTexts: ['one', 'two'],
      toolResults: ['new', 'newer'],
      tools: ['exec_command', 'mcp__nanoclaw__send_message', 'web_search'],
    });
  });

  it('streams a text from creation to completion, usage included', async () => {
    const { post } = await rig(() => ({ kind: 'text', text: 'hello' }));
    const said = events((await post({ model: 'm', input: [user('hi')] })).text);
    expect(said.map(({ type }) => type)).toEqual([
      'response.created',
      'response.output_item.added',
      'response.output_text.delta',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(said.at(-1)?.response?.usage).toMatchObject({ input_tokens: 1234, output_tokens: 56 });
  });

  it('calls a function, and one in a namespace by both its names', async () => {
    const { post } = await rig(({ userTexts }) => ({
      kind: 'tool',
      name: userTexts[0] ?? '',
      input: { a: 1 },
    }));
    const call = async (name: string) =>
      events((await post({ model: 'm', input: [user(name)], tools: FUNCTIONS })).text)[1]?.item;
    expect(await call('exec_command')).toMatchObject({
      type: 'function_call',
      name: 'exec_command',
      arguments: '{"a":1}',
    });
    expect(await call('exec_command')).not.toHaveProperty('namespace');
    expect(await call('mcp__nanoclaw__send_message')).toMatchObject({
      namespace: 'mcp__nanoclaw',
      name: 'send_message',
    });
  });

  it('calls tools from code where the model is offered that', async () => {
    const { server, post } = await rig(() => ({
      kind: 'tool',
      name: 'mcp__nanoclaw__send_message',
      input: { text: 'x' },
    }));
    const { text } = await post({ model: 'm', input: [CODE, user('hi')] });
    expect(server.requests[0]?.tools).toEqual(['exec']);
    expect(events(text)[1]?.item).toMatchObject({
      type: 'custom_tool_call',
      namespace: 'functions',
      name: 'exec',
      input: 'text(JSON.stringify(await tools.mcp__nanoclaw__send_message({"text":"x"})));',
    });
  });

  it('refuses with the status and the text of the script', async () => {
    const { post } = await rig(() => ({
      kind: 'error',
      status: 429,
      type: 'rate_limit_exceeded',
      message: 'slow down',
    }));
    const { status, text } = await post({ model: 'm', input: [] });
    expect(status).toBe(429);
    expect(JSON.parse(text)).toEqual({
      error: { message: 'slow down', type: 'rate_limit_exceeded', param: null, code: 'rate_limit_exceeded' },
    });
  });

  it('refuses every other path', async () => {
    const { server } = await rig(() => ({ kind: 'text', text: 'ok' }));
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(404);
    expect(server.strangers).toEqual(['GET /v1/models']);
  });
});
