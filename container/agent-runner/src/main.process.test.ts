import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { OutputFrame } from '../../../src/protocol/output-frame.ts';
import { FRAME_END, FRAME_START } from '../../../src/protocol/turn.ts';
import { PACKAGE_ROOT } from '../../../test/support/sandbox.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { isAlive } from './providers/programs/is-alive.ts';
import { standIn } from './providers/programs/program-stand-in.ts';

const RUNNER = join(PACKAGE_ROOT, 'container', 'agent-runner', 'dist', 'runner.mjs');
const TURN = {
  prompt: '@Andy ping',
  groupFolder: 'main',
  chatJid: 'a@s.whatsapp.net',
  isMain: true,
  assistantName: 'Andy',
};

/** Runs the bundle as a container would, on a workspace of its own. */
async function run(stdin: string, env: Record<string, string> = {}, workspace = temporaryDirectory()) {
  const child = spawn(process.execPath, [RUNNER], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { NANOCLAW_WORKSPACE: workspace, HOME: join(workspace, 'home'), ...env },
  });
  child.stdin.end(stdin);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const frames = stdout
    .split(`${FRAME_START}\n`)
    .slice(1)
    .map((part) => OutputFrame.parse(JSON.parse(part.split(`\n${FRAME_END}`)[0] ?? '')));
  return { code, frames, stdout, stderr };
}

describe('the bundled runner', () => {
  it('answers a turn in frames and exits with 0', async () => {
    const { code, frames } = await run(JSON.stringify({ ...TURN, provider: 'offline' }));
    expect(code).toBe(0);
    expect(frames.map(({ result }) => result)).toEqual([null, 'pong']);
  });

  it('creates the directories that it needs', async () => {
    const workspace = temporaryDirectory();
    await run(JSON.stringify({ ...TURN, provider: 'offline' }), {}, workspace);
    expect((await readdir(join(workspace, 'ipc'))).sort()).toEqual(['files', 'input', 'messages', 'tasks']);
  });

  it('answers even where it cannot create any of them', async () => {
    const workspace = join(temporaryDirectory(), 'file');
    await writeFile(workspace, '');
    const { code, frames, stderr } = await run(
      JSON.stringify({ ...TURN, provider: 'offline' }),
      {},
      workspace,
    );
    expect(code).toBe(0);
    expect(frames.at(-1)?.result).toBe('pong');
    expect(stderr).toMatch(/cannot create/);
  });

  it('reads the agent from env-dir before its own environment', async () => {
    const workspace = temporaryDirectory();
    await mkdir(join(workspace, 'env-dir'));
    await writeFile(join(workspace, 'env-dir', 'env'), 'AGENT_PROVIDER=offline\n');
    const { frames } = await run(JSON.stringify(TURN), { AGENT_PROVIDER: 'kimi' }, workspace);
    expect(frames.at(-1)?.result).toBe('pong');
  });

  it.each([
    ['no JSON', '{"prompt": "secret', 'other', /^stdin holds no JSON/],
    ['nothing', '', 'other', /^stdin holds no JSON/],
    ['no turn', '{"prompt": 1}', 'other', /^stdin holds no turn/],
    ['a turn for nobody', JSON.stringify(TURN), 'no_key', /set AGENT_PROVIDER, or one of ANTHROPIC_API_KEY/],
    ['an agent without a key', JSON.stringify({ ...TURN, provider: 'kimi' }), 'no_key', /KIMI_API_KEY/],
  ])('reports an input of %s in an error frame and exits with 1', async (_, stdin, errorKind, message) => {
    const { code, frames } = await run(stdin);
    expect(code).toBe(1);
    expect(frames).toEqual([
      { status: 'error', result: null, error: expect.stringMatching(message), errorKind },
    ]);
    expect(JSON.stringify(frames)).not.toContain('secret');
  });

  it('ends a turn without the agent when the task’s script finds no need for it', async () => {
    const turn = {
      ...TURN,
      provider: 'offline',
      isScheduledTask: true,
      script: 'echo \'{"wakeAgent":false}\'',
    };
    const { code, frames } = await run(JSON.stringify(turn), { PATH: process.env.PATH ?? '' });
    expect(code).toBe(0);
    expect(frames).toEqual([{ status: 'success', result: null }]);
  });

  it.each([
    ['the turn is another’s', { provider: 'offline' }, 'pong'],
    [
      'a task’s script is to run first',
      {
        isScheduledTask: true,
        script: 'kill -0 $(cat ../started) 2> /dev/null || echo \'{"wakeAgent":false}\'',
      },
      '{"status":"success","result":null}',
    ],
  ])('starts a slow agent before it has the turn, and ends it where %s', async (_, more, answer) => {
    const workspace = temporaryDirectory();
    const started = join(workspace, 'started');
    const source = `import { writeFileSync } from 'node:fs';
      writeFileSync('${started}', String(process.pid));
      process.stdin.resume();`;
    await mkdir(join(workspace, 'env-dir'));
    await mkdir(join(workspace, 'group'));
    await writeFile(join(workspace, 'env-dir', 'env'), 'AGENT_PROVIDER=kimi\nKIMI_API_KEY=k\n');
    const bin = await standIn(workspace, 'kimi', source);
    const child = spawn(process.execPath, [RUNNER], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { NANOCLAW_WORKSPACE: workspace, HOME: workspace, PATH: `${bin}:${process.env.PATH}` },
    });
    const said = text(child.stdout);
    await expect.poll(() => readFile(started, 'utf8').catch(() => '')).not.toBe('');
    child.stdin.end(JSON.stringify({ ...TURN, ...more }));
    expect(await said).toContain(answer);
    expect(await isAlive(Number(await readFile(started, 'utf8')))).toBe(false);
  });

  it('exits with 128 + 15 after SIGTERM', async () => {
    const child = spawn(process.execPath, [RUNNER], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        NANOCLAW_WORKSPACE: temporaryDirectory(),
        NANOCLAW_OFFLINE_FAULTS: '1',
        HOME: temporaryDirectory(),
      },
    });
    child.stdin.end(JSON.stringify({ ...TURN, provider: 'offline', prompt: '@Andy sleep 60' }));
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect((await once(child, 'close'))[0]).toBe(143);
  });

  it('exits after SIGTERM in a task’s script without a frame', async () => {
    const workspace = temporaryDirectory();
    const child = spawn(process.execPath, [RUNNER], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { NANOCLAW_WORKSPACE: workspace, HOME: workspace, PATH: process.env.PATH ?? '' },
    });
    const script = 'echo up >&2; sleep 60';
    child.stdin.end(JSON.stringify({ ...TURN, provider: 'offline', isScheduledTask: true, script }));
    const said = text(child.stdout);
    await once(child.stderr, 'data');
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(143);
    expect(await said).toBe('');
  });
});
