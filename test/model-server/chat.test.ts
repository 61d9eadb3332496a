import { describe, expect, it, onTestFinished } from 'vitest';
import { chatProtocol } from './chat.ts';
import { type Script, startModelServer } from './model-server.ts';

async function rig(script: Script) {
  const server = await startModelServer(chatProtocol, script);
  onTestFinished(() => server.close());
  return {
    server,
    post: async (body: object) => {
      const headers = { authorization: 'Bearer sk-2', 'content-type': 'application/json' };
      const url = `${server.url}/v1/chat/completions`;
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: response.status, text: await response.text() };
    },
  };
}

interface Chunk {
  readonly choices: readonly {
    readonly delta: Record<string, unknown>;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: object;
}

function chunks(text: string): Chunk[] {
  const data = text.split('\n').filter((line) => line.startsWith('data: '));
  expect(data.at(-1)).toBe('data: [DONE]');
  return data.slice(0, -1).map((line) => JSON.parse(line.slice('data: '.length)));
}

const user = (content: unknown) => ({ role: 'user', content });

describe('the server of chat completions', () => {
  it('reads who asks, for which model, what was said and what tools answered since', async () => {
    const { server, post } = await rig(() => ({ kind: 'text', text: 'ok' }));
    await post({
      model: 'm',
      messages: [
        { role: 'system', content: 'be kind' },
        user('one'),
        { role: 'tool', tool_call_id: 'a', content: 'old' },
        user([{ type: 'text', text: 'two' }]),
        user('<system-reminder>today</system-reminder>'),
        { role: 'assistant', content: null },
        { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'new' }] },
        user('<system-reminder>go on</system-reminder>'),
      ],
      tools: [{ type: 'function', function: { name: 'Bash' } }],
    });
    expect(server.requests[0]).toMatchObject({
      key: 'sk-2',
      model: 'm',
      userTexts: [
        'one',
        'two',
        '<system-reminder>today</system-reminder>',
        '<system-reminder>go on</system-reminder>',
      ],
      toolResults: ['new'],
      tools: ['Bash'],
    });
  });

  it('sends a text, then why it stopped, then the usage', async () => {
    const { post } = await rig(() => ({ kind: 'text', text: 'hello' }));
    const said = chunks((await post({ model: 'm', messages: [user('hi')] })).text);
    expect(said.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? '')).join('')).toBe(
      'hello',
    );
    expect(said.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(said.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 1234, completion_tokens: 56 } });
  });

  it('calls a tool', async () => {
    const { post } = await rig(() => ({ kind: 'tool', name: 'Bash', input: { command: 'ls' } }));
    const said = chunks((await post({ model: 'm', messages: [user('hi')] })).text);
    expect(said[1]?.choices[0]?.delta.tool_calls).toMatchObject([
      { type: 'function', function: { name: 'Bash', arguments: '{"command":"ls"}' } },
    ]);
    expect(said[2]?.choices[0]?.finish_reason).toBe('tool_calls');
  });

  it('refuses with the status and the text of the script', async () => {
    const { post } = await rig(() => ({ kind: 'error', status: 401, type: 'invalid_key', message: 'no' }));
    expect(await post({ model: 'm', messages: [] })).toEqual({
      status: 401,
      text: '{"error":{"message":"no","type":"invalid_key"}}',
    });
  });

  it('refuses every other path', async () => {
    const { server } = await rig(() => ({ kind: 'text', text: 'ok' }));
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(404);
    expect(server.strangers).toEqual(['GET /v1/models']);
  });
});
