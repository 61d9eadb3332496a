import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Layout, layoutAt } from '../../../../src/protocol/layout.ts';
import type { OutputFrame } from '../../../../src/protocol/turn.ts';
import { temporaryDirectory } from '../../../../test/support/temporary.ts';
import { CodexProvider } from './codex.ts';
import { standIn } from './programs/program-stand-in.ts';
import type { AgentTurn } from './provider.ts';
import { testTurn } from './test-turn.ts';

const ID = '01a1fd1e-28c6-7b51-983a-8b198ba052dd';
/** A session that was made under another provider's name. */
const ADOPTED = '01a21c78-5a60-7e40-a86c-e6ab45e542ba';

/** Speaks as `codex exec --json` does; what it does is the first word of its prompt. It notes each start beside itself. */
const STAND_IN = `
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const prompt = Buffer.concat(chunks).toString();
const args = process.argv.slice(2);
appendFileSync(import.meta.dirname + '/starts.jsonl', JSON.stringify({ args, prompt, env: process.env }) + '\\n');
const say = (event) => process.stdout.write(JSON.stringify(event) + '\\n');
const sessions = process.env.CODEX_HOME + '/sessions';
const write = (day, text) => {
  mkdirSync(sessions + day, { recursive: true });
  writeFileSync(sessions + day + '/rollout-2026-02-01T10-06-19-${ID}.jsonl', text);
};
if (prompt === 'record') write('/2026/02/01', 'ten bytes\\n');
if (prompt === 'copy') for (const year of ['2025', '2027']) write('/' + year + '/01/01', 'a copy\\n');
if (prompt === 'clear') rmSync(sessions, { recursive: true });
if (prompt === 'stale') { console.error('Error: thread/resume failed: no rollout found for thread id x (code -32600)'); process.exit(1); }
if (args[1] === 'resume' && args.at(-2) === '${ADOPTED}') {
  console.error("Error: thread/resume: thread/resume failed: failed to load configuration: Cannot change this thread's model provider from \`openai\` to \`proxy\` on resume. (code -32600)");
  process.exit(1);
}
if (prompt === 'crash') process.exit(9);
say({ type: 'thread.started', thread_id: '${ID}' });
const message = (text) => say({ type: 'item.completed', item: { id: 'i', type: 'agent_message', text } });
if (prompt === 'refused') {
  say({ type: 'error', message: 'Reconnecting... 1/2 (x)' });
  say({ type: 'turn.failed', error: { message: 'unexpected status 401 Unauthorized: no, url: http://x' } });
  process.exit(1);
}
if (prompt === 'hang') { process.on('SIGINT', () => process.exit(130)); message('hanging'); setInterval(() => {}, 1000); }
else {
  if (prompt !== 'silent') { message('working on it'); message('answer to ' + prompt); }
  say({ type: 'turn.completed', usage: {} });
}
`;

interface Start {
  readonly args: readonly string[];
  readonly prompt: string;
  readonly env: Readonly<Record<string, string>>;
}

async function rig() {
  const root = temporaryDirectory();
  const layout: Layout = layoutAt(join(root, 'workspace'), join(root, 'home'));
  await mkdir(layout.group, { recursive: true });
  const bin = await standIn(root, 'codex', STAND_IN);
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    CODEX_API_KEY: 'sk-codex',
    ANTHROPIC_API_KEY: 'sk-other',
  };
  return {
    layout,
    turn: (prompt: string, more: Partial<AgentTurn> = {}) =>
      testTurn({
        layout,
        input: { prompt, groupFolder: 'g', chatJid: '1@g.us', isMain: false },
        env,
        ...more,
      }),
    starts: async (): Promise<Start[]> =>
      (await readFile(join(root, 'starts.jsonl'), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
  };
}

async function frames(turn: AgentTurn, heard: (frame: OutputFrame) => void = () => undefined) {
  const all: OutputFrame[] = [];
  for await (const frame of new CodexProvider().answer(turn)) {
    all.push(frame);
    heard(frame);
  }
  return all;
}

describe('Codex', () => {
  it('reports the session’s id at once and answers with its last message', async () => {
    const { turn } = await rig();
    expect(await frames(turn('hello'))).toEqual([
      { status: 'success', result: null, newSessionId: ID },
      { status: 'success', result: 'answer to hello', newSessionId: ID },
    ]);
  });

  it('answers silently when it said nothing', async () => {
    const { turn } = await rig();
    expect((await frames(turn('silent'))).at(-1)).toMatchObject({ status: 'success', result: '' });
  });

  it('resumes the session that is named', async () => {
    const { turn, starts } = await rig();
    await frames(turn('hello', { sessionId: ID }));
    const [{ args = [] } = {}] = await starts();
    expect(args.slice(0, 2)).toEqual(['exec', 'resume']);
    expect(args.slice(-2)).toEqual([ID, '-']);
  });

  it('reports where the answer leaves the session, in its first turn and when it is resumed', async () => {
    const { turn } = await rig();
    expect((await frames(turn('record'))).at(-1)).toMatchObject({ resumeAt: '10' });
    const again = { sessionId: ID, resumeAt: '10' };
    expect((await frames(turn('copy', again))).at(-1)).toMatchObject({ resumeAt: '10' });
    expect((await frames(turn('clear', again))).at(-1)).toEqual({
      status: 'success',
      result: 'answer to clear',
      newSessionId: ID,
    });
  });

  it('continues in a copy of another provider’s session, as after an import', async () => {
    const { turn, starts, layout } = await rig();
    const day = join(layout.home, '.codex', 'sessions', '2026', '02', '01');
    await mkdir(day, { recursive: true });
    await writeFile(join(day, `rollout-2026-02-01T10-06-19-${ADOPTED}.jsonl`), '');
    expect(await frames(turn('hello', { sessionId: 'codex-last' }))).toEqual([
      { status: 'success', result: null, newSessionId: ID },
      { status: 'success', result: 'answer to hello', newSessionId: ID },
    ]);
    const started = (await starts()).map(({ args, prompt }) => [args[1], args.at(-2), prompt]);
    expect(started).toEqual([
      ['resume', ADOPTED, 'hello'],
      ['fork', ADOPTED, 'hello'],
    ]);
  });

  it('gets its own key and no other', async () => {
    const { turn, starts } = await rig();
    await frames(turn('hello'));
    const [start] = await starts();
    expect(start?.env.CODEX_API_KEY).toBe('sk-codex');
    expect(JSON.stringify(start?.env)).not.toContain('sk-other');
    expect(JSON.stringify(start?.args)).not.toContain('sk-codex');
  });

  it('gets the current memories at each turn', async () => {
    const { turn, layout } = await rig();
    const told = () => readFile(join(layout.home, '.codex', 'AGENTS.md'), 'utf8');
    await writeFile(join(layout.group, 'CLAUDE.md'), 'likes tea');
    await frames(turn('hello'));
    expect(await told()).toContain('likes tea');
    await writeFile(join(layout.group, 'CLAUDE.md'), 'likes coffee');
    await frames(turn('hello', { sessionId: ID }));
    expect(await told()).toContain('likes coffee');
    expect(await told()).not.toContain('likes tea');
  });

  it('is reported as failed with the cause when it was refused', async () => {
    const { turn } = await rig();
    await expect(frames(turn('refused'))).rejects.toMatchObject({ kind: 'key_refused' });
  });

  it('reports a lost session when it cannot find it', async () => {
    const { turn } = await rig();
    await expect(frames(turn('stale', { sessionId: ID }))).rejects.toMatchObject({ kind: 'session_lost' });
  });

  it('is reported as failed when it ends without any output', async () => {
    const { turn } = await rig();
    await expect(frames(turn('crash'))).rejects.toThrow(/Codex ended early \(9\)/);
  });

  it('names how to install it when it is missing', async () => {
    const { turn } = await rig();
    const env = { PATH: temporaryDirectory(), CODEX_API_KEY: 'k' };
    await expect(frames(turn('hello', { env }))).rejects.toThrow(/"codex" is not installed/);
  });

  it('ends without an answer when it is asked to stop', async () => {
    const { turn } = await rig();
    const stop = new AbortController();
    const said = await frames(turn('hang', { stop: stop.signal }), () => stop.abort());
    expect(said).toEqual([{ status: 'success', result: null, newSessionId: ID }]);
  });

  it('is interrupted and asked for its answer so far when time is nearly up', async () => {
    const { turn, starts } = await rig();
    const wrapUp = new AbortController();
    const said = await frames(turn('hang', { wrapUp: wrapUp.signal }), () => wrapUp.abort());
    expect(said.at(-1)).toMatchObject({
      status: 'success',
      result: expect.stringMatching(/^answer to Your time/),
    });
    expect((await starts())[1]?.args).toContain(ID);
  });

  it('is notified at once when time was nearly up before it began', async () => {
    const { turn, starts } = await rig();
    expect((await frames(turn('hello', { wrapUp: AbortSignal.abort() }))).at(-1)?.result).toMatch(
      /^answer to hello/,
    );
    const [start, ...others] = await starts();
    expect(start?.prompt).toMatch(/^hello\n\nYour time/);
    expect(others).toEqual([]);
  });
});
