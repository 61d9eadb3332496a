import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { layoutAt } from '../../../../src/protocol/layout.ts';
import type { OutputFrame } from '../../../../src/protocol/turn.ts';
import { temporaryDirectory } from '../../../../test/support/temporary.ts';
import { KimiProvider } from './kimi.ts';
import { isAlive } from './programs/is-alive.ts';
import { standIn } from './programs/program-stand-in.ts';
import type { AgentTurn, Surroundings } from './provider.ts';
import { testTurn } from './test-turn.ts';

const ID = 'session_1';

/** Speaks as `kimi acp` does; what it does is the last word of its prompt. It notes what it is asked beside itself. */
const STAND_IN = `
import { appendFileSync, mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
const home = process.env.KIMI_CODE_HOME;
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const update = (fields) => send({ method: 'session/update', params: { sessionId: '${ID}', update: fields } });
const say = (text) => update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } });
const wire = home + '/sessions/wd/${ID}/agents/main';
mkdirSync(wire, { recursive: true });
mkdirSync(home + '/logs', { recursive: true });
appendFileSync(import.meta.dirname + '/started', process.pid + '\\n');
let hanging, ended;
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  appendFileSync(import.meta.dirname + '/asked.jsonl', JSON.stringify({ method, params, env: process.env }) + '\\n');
  const reply = (result) => send({ id, result });
  const fail = (code, message) => send({ id, error: { code, message } });
  if (method === 'initialize') reply({ protocolVersion: 1, agentCapabilities: { loadSession: true } });
  else if (method === 'session/new') reply({ sessionId: '${ID}' });
  else if (method === 'session/load' && params.sessionId === 'gone') fail(-32602, 'Invalid params: Unknown sessionId: gone');
  else if (method === 'session/load') { say('an answer of old'); reply({}); }
  else if (method === 'session/set_mode') { update({ sessionUpdate: 7 }); reply({}); }
  else if (method === 'session/cancel') { hanging({ stopReason: 'cancelled' }); }
  else if (method === 'session/close') { if (ended) appendFileSync(wire + '/wire.jsonl', JSON.stringify(ended) + '\\n'); reply({}); }
  else if (method === 'session/prompt') {
    const text = params.prompt[0].text;
    const word = text.split(/\\s/).at(-1);
    ended = { type: 'turn.ended', reason: 'completed' };
    if (word === 'hang') { hanging = reply; say('hanging'); continue; }
    if (word === 'die') { console.error('out of luck'); process.exit(4); }
    if (word === 'refused') { fail(-32000, 'Authentication required: 401 no'); continue; }
    if (word === 'busy') ended = { type: 'turn.ended', reason: 'failed', error: { code: 'provider.rate_limit', message: '429 no', details: { statusCode: 429 } } };
    else if (word === 'toolless') {
      appendFileSync(home + '/logs/kimi-code.log', 'x ERROR mcp server unavailable  server=nanoclaw transport=stdio status=failed reason="write EPIPE"\\n');
      say('without tools');
    } else {
      say('let me see');
      update({ sessionUpdate: 'tool_call', toolCallId: 't', title: 'Bash' });
      say('answer to ');
      say(word);
    }
    reply({ stopReason: 'end_turn' });
  }
}
`;

interface Asked {
  readonly method: string;
  readonly params: {
    readonly sessionId?: string;
    readonly modeId?: string;
    readonly prompt?: readonly { text: string }[];
  };
  readonly env: Readonly<Record<string, string>>;
}

async function rig() {
  const root = temporaryDirectory();
  const layout = layoutAt(join(root, 'workspace'), join(root, 'home'));
  await mkdir(layout.group, { recursive: true });
  const bin = await standIn(root, 'kimi', STAND_IN);
  const env = { PATH: `${bin}:${process.env.PATH}`, KIMI_API_KEY: 'sk-kimi', ANTHROPIC_API_KEY: 'sk-other' };
  /** The programs that were started, by their process ids. */
  const started = async (): Promise<number[]> => {
    const pids = await readFile(join(root, 'started'), 'utf8').catch(() => '');
    return pids.split('\n').filter(Boolean).map(Number);
  };
  return {
    layout,
    env,
    started,
    /** Those of them that have not ended. */
    living: async (): Promise<number[]> => {
      const pids = await started();
      const alive = await Promise.all(pids.map(isAlive));
      return pids.filter((_, index) => alive[index]);
    },
    turn: (prompt: string, more: Partial<AgentTurn> = {}) =>
      testTurn({
        layout,
        input: { prompt, groupFolder: 'g', chatJid: '1@g.us', isMain: false },
        env,
        ...more,
      }),
    asked: async (method: string): Promise<Asked[]> => {
      const lines = (await readFile(join(root, 'asked.jsonl'), 'utf8')).trim().split('\n');
      return lines.map((line): Asked => JSON.parse(line)).filter((one) => one.method === method);
    },
  };
}

async function frames(
  turn: AgentTurn,
  heard: (frame: OutputFrame) => void = () => undefined,
  kimi = new KimiProvider(),
) {
  const all: OutputFrame[] = [];
  for await (const frame of kimi.answer(turn)) {
    all.push(frame);
    heard(frame);
  }
  return all;
}

describe('Kimi', () => {
  it('reports the session’s id at once and answers with the text after the last tool', async () => {
    const { turn, asked } = await rig();
    expect(await frames(turn('hello'))).toEqual([
      { status: 'success', result: null, newSessionId: ID },
      {
        status: 'success',
        result: 'answer to hello',
        newSessionId: ID,
        resumeAt: expect.stringMatching(/^\d+$/),
      },
    ]);
    expect((await asked('session/set_mode'))[0]?.params.modeId).toBe('auto');
  });

  it('resumes a session where its last answered turn ended', async () => {
    const { turn, layout } = await rig();
    const { resumeAt } = (await frames(turn('hello'))).at(-1) ?? {};
    const record = join(layout.home, '.kimi', 'sessions', 'wd', ID, 'agents', 'main', 'wire.jsonl');
    const answered = await readFile(record, 'utf8');
    await appendFile(record, '{"type":"turn.prompt"}\n{"half');
    await frames(turn('hello again', { sessionId: ID, resumeAt }));
    const resumed = await readFile(record, 'utf8');
    expect(resumed.startsWith(answered)).toBe(true);
    expect(resumed).not.toContain('turn.prompt');
  });

  it('spends no time on the form of updates that it does not use', async () => {
    const { turn } = await rig();
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    onTestFinished(() => complaint.mockRestore());
    await frames(turn('hello'));
    expect(complaint).not.toHaveBeenCalled();
  });

  it('does not mistake a loaded session’s history for its answer', async () => {
    const { turn, asked } = await rig();
    expect((await frames(turn('again', { sessionId: ID }))).at(-1)?.result).toBe('answer to again');
    expect((await asked('session/load'))[0]?.params.sessionId).toBe(ID);
  });

  it('gets the text about its situation once', async () => {
    const { turn, asked } = await rig();
    await frames(turn('hello'));
    await frames(turn('again', { sessionId: ID }));
    const prompts = (await asked('session/prompt')).map(({ params }) => params.prompt?.[0]?.text);
    expect(prompts[0]).toMatch(/^<briefing>[\s\S]*hello$/);
    expect(prompts[1]).toBe('again');
  });

  it('gets its own key and no other', async () => {
    const { turn, asked } = await rig();
    await frames(turn('hello'));
    const { env } = (await asked('initialize'))[0] ?? {};
    expect(env?.KIMI_MODEL_API_KEY).toBe('sk-kimi');
    expect(JSON.stringify(env)).not.toContain('sk-other');
  });

  it('is reported as failed with the cause when it was refused', async () => {
    const { turn } = await rig();
    await expect(frames(turn('refused'))).rejects.toMatchObject({ kind: 'key_refused' });
  });

  it('is reported as failed when its turn failed without output', async () => {
    const { turn } = await rig();
    await expect(frames(turn('busy'))).rejects.toMatchObject({ kind: 'rate_limit' });
  });

  it('reports a lost session when it cannot load it', async () => {
    const { turn } = await rig();
    await expect(frames(turn('hello', { sessionId: 'gone' }))).rejects.toMatchObject({
      kind: 'session_lost',
    });
  });

  it('fails without the assistant’s tools and names them', async () => {
    const { turn } = await rig();
    await expect(frames(turn('toolless'))).rejects.toThrow(/"nanoclaw" did not start \(write EPIPE\)/);
  });

  it('reports why when it dies in its turn', async () => {
    const { turn } = await rig();
    await expect(frames(turn('die'))).rejects.toThrow(/Kimi ended before its turn \(4\): out of luck/);
  });

  it('names how to install it when it is missing', async () => {
    const { turn } = await rig();
    const env = { PATH: temporaryDirectory(), KIMI_API_KEY: 'k' };
    await expect(frames(turn('hello', { env }))).rejects.toThrow(/"kimi" is not installed/);
  });

  it('ends without an answer when it is asked to stop', async () => {
    const { turn } = await rig();
    const stop = new AbortController();
    const said = await frames(turn('hang', { stop: stop.signal }), () => stop.abort());
    expect(said).toEqual([{ status: 'success', result: null, newSessionId: ID }]);
  });

  it('is interrupted and asked for its answer so far when time is nearly up', async () => {
    const { turn, asked } = await rig();
    const wrapUp = new AbortController();
    const answering = frames(turn('hang', { wrapUp: wrapUp.signal }));
    await expect.poll(async () => (await asked('session/prompt').catch(() => [])).length).toBe(1);
    wrapUp.abort();
    expect((await answering).at(-1)).toMatchObject({ status: 'success', result: 'answer to missing.' });
    expect(await asked('session/cancel')).toHaveLength(1);
  });

  it('is notified at once when time was nearly up before it began', async () => {
    const { turn, asked } = await rig();
    await frames(turn('hello', { wrapUp: AbortSignal.abort() }));
    const prompts = await asked('session/prompt');
    expect(prompts).toHaveLength(1);
    expect(prompts[0]?.params.prompt?.[0]?.text).toMatch(/hello\n\nYour time/);
  });
});

describe('Kimi’s program, started ahead of its turn', () => {
  async function ahead(more: Partial<Surroundings> = {}) {
    const { layout, env, ...of } = await rig();
    const kimi = new KimiProvider();
    await kimi.startAhead({ layout, env, stop: new AbortController().signal, ...more });
    return { ...of, layout, kimi, last: (turn: AgentTurn) => frames(turn, undefined, kimi) };
  }

  it('answers that turn, and the next turn has its own', async () => {
    const { started, turn, last } = await ahead();
    await expect.poll(started).toHaveLength(1);
    expect((await last(turn('hello'))).at(-1)?.result).toBe('answer to hello');
    expect(await started()).toHaveLength(1);
    expect((await last(turn('again'))).at(-1)?.result).toBe('answer to again');
    expect(await started()).toHaveLength(2);
  });

  it('is replaced when the turn asks for another model', async () => {
    const { started, living, turn, last, asked } = await ahead();
    await expect.poll(started).toHaveLength(1);
    const input = { prompt: 'hello', groupFolder: 'g', chatJid: '1@g.us', isMain: false, model: 'other' };
    await last(turn('hello', { input }));
    expect(await started()).toHaveLength(2);
    expect((await asked('initialize')).map(({ env }) => env.KIMI_MODEL_NAME)).toEqual(['other']);
    expect(await living()).toEqual([]);
  });

  it.each([
    ['is dropped', async (kimi: KimiProvider) => kimi.dropAhead()],
    ['is told to stop', async (_: KimiProvider, stop: AbortController) => stop.abort()],
  ])('has ended when it %s', async (_, end) => {
    const stop = new AbortController();
    const { started, living, kimi } = await ahead({ stop: stop.signal });
    await expect.poll(started).toHaveLength(1);
    await end(kimi, stop);
    await expect.poll(living).toEqual([]);
  });

  it.each([
    ['had no program', () => ({ env: { PATH: temporaryDirectory(), KIMI_API_KEY: 'sk-kimi' } })],
    ['had no key', () => ({ env: {} })],
    ['had no place', () => ({ layout: layoutAt(join(temporaryDirectory(), 'none'), temporaryDirectory()) })],
  ])('is started by the turn itself when it %s', async (_, surroundings) => {
    const { turn, last } = await ahead(surroundings());
    expect((await last(turn('hello'))).at(-1)?.result).toBe('answer to hello');
  });

  it('is started again by the turn itself when it died', async () => {
    const { started, living, turn, last } = await ahead();
    await expect.poll(started).toHaveLength(1);
    for (const pid of await started()) process.kill(pid);
    await expect.poll(living).toEqual([]);
    expect((await last(turn('hello'))).at(-1)?.result).toBe('answer to hello');
  });
});
