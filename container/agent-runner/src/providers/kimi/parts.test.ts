import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError } from '@agentclientprotocol/sdk';
import { describe, expect, it } from 'vitest';
import { layoutAt } from '../../../../../src/protocol/layout.ts';
import { temporaryDirectory } from '../../../../../test/support/temporary.ts';
import { TurnFailure } from '../../failure.ts';
import { Answer, isOfUse } from './answer.ts';
import { Briefing } from './briefing.ts';
import { grant } from './client.ts';
import { kimiEnvironment } from './environment.ts';
import { loadFailure, requestFailure } from './failure.ts';
import { lostServers } from './server-log.ts';
import { lastEnd, TurnRecord, withoutCutText } from './turn-record.ts';

const chunk = (text: string) =>
  ({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } }) as const;

describe('Kimi’s answer', () => {
  it('is all text after the last tool', () => {
    const answer = new Answer();
    answer.add(chunk('I will look.'));
    expect(answer.add({ sessionUpdate: 'tool_call', toolCallId: '1', title: 'Bash' })).toBe('tool Bash');
    for (const text of ['It is ', 'four.\n']) answer.add(chunk(text));
    expect(answer.text).toBe('It is four.');
  });

  it('has neither thoughts nor the program’s own notes in it', () => {
    const answer = new Answer();
    answer.add({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: 'hm' } });
    answer.add(chunk('Compacting conversation context…'));
    answer.add(chunk('Compaction completed.\n- Messages compacted: 4'));
    answer.add(chunk('Yes.'));
    expect(answer).toMatchObject({ text: 'Yes.', compacted: true });
  });
});

it.each([
  [{ update: { sessionUpdate: 'agent_message_chunk', content: {} } }, true],
  [{ update: { sessionUpdate: 'tool_call' } }, true],
  [{ update: { sessionUpdate: 'tool_call_update' } }, true],
  [{ update: { sessionUpdate: 'available_commands_update' } }, false],
  [{ update: null }, false],
  [null, false],
  ['words', false],
])('an update of Kimi is used for the answer (%j): %s', (params, expected) => {
  expect(isOfUse(params)).toBe(expected);
});

describe('Kimi’s environment', () => {
  const layout = layoutAt('/workspace', '/home/node');
  const given = (env: Record<string, string>, model?: string) =>
    kimiEnvironment({ layout, env }, '/home/node/.kimi', model);

  it.each([
    [{ KIMI_API_KEY: 'sk-kimi-abc' }, 'https://api.kimi.com/coding/v1', 'kimi-for-coding'],
    [{ KIMI_API_KEY: 'sk-abc' }, 'https://api.moonshot.ai/v1', 'kimi-k3'],
    [{ KIMI_BASE_URL: 'http://127.0.0.1:9/coding/v1' }, 'http://127.0.0.1:9/coding/v1', 'kimi-for-coding'],
    [
      { KIMI_API_KEY: 'sk-kimi-abc', KIMI_BASE_URL: 'http://127.0.0.1:9/v1' },
      'http://127.0.0.1:9/v1',
      'kimi-k3',
    ],
  ])('finds address and model for %j', (env, address, model) => {
    expect(given(env)).toMatchObject({ KIMI_MODEL_BASE_URL: address, KIMI_MODEL_NAME: model });
  });

  it('takes the turn’s model before the environment’s', () => {
    const env = { KIMI_API_KEY: 'k', AGENT_MODEL: 'from-env' };
    expect(given(env).KIMI_MODEL_NAME).toBe('from-env');
    expect(given(env, 'of-the-turn').KIMI_MODEL_NAME).toBe('of-the-turn');
  });

  it('cannot be made without a key and an address', () => {
    expect(() => given({})).toThrow(expect.objectContaining({ kind: 'no_key' }));
    expect(() => given({ KIMI_API_KEY: '' })).toThrow(/KIMI_API_KEY/);
  });
});

describe('a failure of Kimi', () => {
  it.each([
    [new RequestError(-32_000, 'Authentication required: 401 bad key'), 'key_refused'],
    [new RequestError(-32_000, 'Authentication required'), 'no_key'],
    [new RequestError(-32_603, 'LLM is not set'), 'no_key'],
    [new RequestError(-32_603, 'Internal error'), 'other'],
    [new TurnFailure('x', 'network'), 'network'],
  ])('has its kind: %s', (error, kind) => {
    expect(requestFailure(error)).toMatchObject({ kind });
  });

  it.each([
    new RequestError(-32_602, 'Invalid params: Unknown sessionId: x', { sessionId: 'x' }),
    new RequestError(-32_603, 'Internal error', { details: 'Expecting value: line 1 column 1 (char 0)' }),
    new RequestError(-32_603, 'Internal error', {
      details: "ENOENT: no such file or directory, open '/home/node/.kimi/sessions/1/wire.jsonl'",
    }),
  ])('is a lost session while it loads: %s', (error) => {
    expect(loadFailure(error)).toMatchObject({ kind: 'session_lost' });
  });

  it.each([
    'storage read failed: permission denied',
    "EACCES: permission denied, open '/home/node/.kimi/sessions/1/agents/main/wire.jsonl'",
    "ENOSPC: no space left on device, write '/home/node/.kimi/sessions/1/agents/main/wire.jsonl'",
    "EMFILE: too many open files, open '/home/node/.kimi/sessions/1/agents/main/wire.jsonl'",
    'Unexpected token < in JSON at position 0',
    '404 session not found',
  ])('is not a lost session while it loads: %s', (details) => {
    expect(loadFailure(new RequestError(-32_603, 'Internal error', { details }))).not.toMatchObject({
      kind: 'session_lost',
    });
  });

  it('is never a lost session when the network or the service fails', () => {
    expect(loadFailure(new RequestError(-32_000, 'Authentication required: 401 no'))).toMatchObject({
      kind: 'key_refused',
    });
    expect(loadFailure(new TurnFailure('Kimi ended', 'other'))).toMatchObject({ kind: 'other' });
    expect(requestFailure(new RequestError(-32_602, 'Unknown sessionId: x'))).not.toMatchObject({
      kind: 'session_lost',
    });
  });
});

const FAILED =
  '{"type":"turn.ended","agentId":"main","turnId":0,"reason":"failed","error":{"code":"provider.rate_limit","message":"429 slow down","details":{"statusCode":429,"requestId":null},"retryable":true},"durationMs":363}';
const DONE = '{"type":"turn.ended","agentId":"main","turnId":1,"reason":"completed","durationMs":3}';

describe('Kimi’s record of a turn', () => {
  it('shows how the last one ended, half-written lines skipped', () => {
    expect(lastEnd(`${FAILED}\n${DONE}\n{"type":"turn.ended","rea`)).toMatchObject({ reason: 'completed' });
    expect(lastEnd('')).toBeUndefined();
  });

  it('tells what was said before a stream was cut from the answer', () => {
    const loop = (event: object) =>
      JSON.stringify({ type: 'context.append_loop_event', agentId: 'main', event });
    const said = (text: string, finishReason: string) =>
      [
        loop({ type: 'step.begin', step: 1 }),
        loop({ type: 'content.part', part: { type: 'think', think: 'Hm' } }),
        loop({ type: 'content.part', part: { type: 'text', text } }),
        loop({ type: 'step.end', finishReason }),
      ].join('\n');
    const cut = `${said('I di', 'error')}\n${said('I did it.', 'end_turn')}\n`;
    expect(withoutCutText('I diI did it.', cut)).toBe('I did it.');
    const tool = loop({ type: 'tool.call', uuid: 't' });
    expect(
      withoutCutText('I did it.', `${said('I', 'error')}\n${tool}\n${said('I did it.', 'end_turn')}`),
    ).toBe('I did it.');
    expect(withoutCutText('Something else', cut)).toBe('Something else');
    expect(withoutCutText('I did it.', '')).toBe('I did it.');
  });

  it('shows only the turn since the mark', async () => {
    const home = temporaryDirectory();
    const directory = join(home, 'sessions', 'wd_group_1', 'session_1', 'agents', 'main');
    await mkdir(directory, { recursive: true });
    const file = join(directory, 'wire.jsonl');
    await writeFile(file, `${FAILED}\n`);
    const record = new TurnRecord(home, 'session_1');
    expect(await record.failure()).toMatchObject({ kind: 'rate_limit' });
    await record.mark();
    expect(await record.failure()).toBeUndefined();
    await appendFile(file, `${DONE}\n`);
    expect(await record.failure()).toBeUndefined();
    await appendFile(
      file,
      '{"type":"turn.ended","reason":"failed","error":{"code":"provider.connection_error","message":"Connection error."}}\n',
    );
    expect(await record.failure()).toMatchObject({ kind: 'network' });
  });

  it('is found once, also where the session is new, and again where it was removed', async () => {
    const home = temporaryDirectory();
    const record = new TurnRecord(home, 'session_1');
    await record.mark();
    const write = async (directory: string, text: string): Promise<void> => {
      const path = join(home, 'sessions', directory, 'session_1', 'agents', 'main');
      await mkdir(path, { recursive: true });
      await writeFile(join(path, 'wire.jsonl'), text);
    };
    await write('wd_b', '1');
    expect(await record.end()).toBe('1');
    await write('wd_a', '12');
    expect(await record.end()).toBe('1');
    await rm(join(home, 'sessions', 'wd_b'), { recursive: true });
    expect(await record.end()).toBe('2');
  });

  it('shows nothing where there is none', async () => {
    const record = new TurnRecord(temporaryDirectory(), 'session_1');
    await record.mark();
    expect(await record.failure()).toBeUndefined();
  });
});

describe('Kimi’s log', () => {
  it('names the servers that did not start', () => {
    const log = [
      '2026-11-21T08:25:12.740Z ERROR mcp server unavailable  server=nanoclaw transport=stdio status=failed reason="write EPIPE"',
      '2026-11-21T08:25:12.877Z INFO  minidb query-store opening  dir=/h shardCount=16',
      '2026-11-21T08:25:19.017Z ERROR mcp server unavailable  server=mine transport=stdio status=failed reason="spawn /x ENOENT"',
    ].join('\n');
    expect(lostServers(log)).toEqual([
      { name: 'nanoclaw', reason: 'write EPIPE' },
      { name: 'mine', reason: 'spawn /x ENOENT' },
    ]);
  });
});

describe('a permission that Kimi asks for', () => {
  it('is given, permanently where that is offered', () => {
    const once = { optionId: 'a', name: 'Once', kind: 'allow_once' } as const;
    const always = { optionId: 'b', name: 'Always', kind: 'allow_always' } as const;
    const never = { optionId: 'c', name: 'No', kind: 'reject_once' } as const;
    expect(grant({ options: [never, once, always] }).outcome).toEqual({ outcome: 'selected', optionId: 'b' });
    expect(grant({ options: [never, once] }).outcome).toEqual({ outcome: 'selected', optionId: 'a' });
    expect(grant({ options: [never] }).outcome).toEqual({ outcome: 'cancelled' });
  });
});

describe('the briefing', () => {
  it('is part of a session’s first prompt, and again only after a change', async () => {
    const home = temporaryDirectory();
    const first = new Briefing(home, 'likes tea');
    expect(await first.withPrompt('hello', undefined)).toMatch(
      /^<briefing>\nlikes tea\n<\/briefing>\n\nhello$/,
    );
    await first.told('s1', true);
    expect(await first.withPrompt('again', 's1')).toBe('again');
    expect(await first.withPrompt('again', 's2')).toContain('likes tea');
    expect(await new Briefing(home, 'likes coffee').withPrompt('third', 's1')).toMatch(
      /replaces[\s\S]*likes coffee[\s\S]*third$/,
    );
  });

  it('is repeated when the session may have forgotten it', async () => {
    const home = temporaryDirectory();
    const briefing = new Briefing(home, 'likes tea');
    await briefing.told('s1', true);
    await briefing.told('s1', false);
    expect(await briefing.withPrompt('again', 's1')).toContain('likes tea');
  });

  it('never makes a prompt a command of the program', async () => {
    const briefing = new Briefing(temporaryDirectory(), 'text');
    await briefing.told('s1', true);
    expect((await briefing.withPrompt('/compact', 's1')).startsWith('/')).toBe(false);
  });

  it('is repeated when its record cannot be read, and the record keeps few sessions', async () => {
    const home = temporaryDirectory();
    const briefing = new Briefing(home, 'text');
    await writeFile(join(home, 'nanoclaw-told.json'), 'no json');
    expect(await briefing.withPrompt('hello', 's1')).toContain('text');
    for (let index = 0; index < 60; index++) await briefing.told(`s${index}`, true);
    const kept = Object.keys(JSON.parse(await readFile(join(home, 'nanoclaw-told.json'), 'utf8')));
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([50, 's10', 's59']);
  });
});
