import { spawn } from 'node:child_process';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { OutputFrame } from '../../../../../src/protocol/output-frame.ts';
import { startModelServer } from '../../../../../test/model-server/model-server.ts';
import { responsesProtocol } from '../../../../../test/model-server/responses.ts';
import { PACKAGE_ROOT } from '../../../../../test/support/sandbox.ts';
import { temporaryDirectory } from '../../../../../test/support/temporary.ts';
import { LAST_SESSION } from './sessions.ts';

const RUNNER = join(PACKAGE_ROOT, 'container', 'agent-runner', 'dist', 'runner.mjs');
const PROGRAMS = join(PACKAGE_ROOT, 'container', 'agent-runner', 'node_modules', '.bin');
/** What Codex 0.98 wrote of a turn under its built-in provider; only long texts are cut. */
const ROLLOUT = fileURLToPath(new URL('./testing/rollout.jsonl', import.meta.url));

it('the real Codex continues the thread of an imported installation, and resumes it from then on', async () => {
  const model = await startModelServer(responsesProtocol, () => ({ kind: 'text', text: 'zebra' }));
  onTestFinished(() => model.close());
  const workspace = temporaryDirectory();
  const home = join(workspace, 'home');
  const day = join(home, '.codex', 'sessions', '2026', '11', '27');
  await mkdir(day, { recursive: true });
  const adopted = join(day, 'rollout-2026-11-27T10-06-19-01a21c78-5a60-7e40-a86c-e6ab45e542ba.jsonl');
  await copyFile(ROLLOUT, adopted);

  /** The last frame of a turn. */
  const turn = async (prompt: string, sessionId: string | undefined): Promise<OutputFrame> => {
    const child = spawn(process.execPath, [RUNNER], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        NANOCLAW_WORKSPACE: workspace,
        HOME: home,
        PATH: `${PROGRAMS}:${process.env.PATH}`,
        OPENAI_BASE_URL: `${model.url}/v1`,
      },
    });
    const group = { groupFolder: 'family', chatJid: '1@g.us', isMain: false };
    child.stdin.end(JSON.stringify({ ...group, provider: 'codex', prompt, sessionId }));
    const lines = (await text(child.stdout)).split('\n').filter((line) => line.startsWith('{'));
    return OutputFrame.parse(JSON.parse(lines.at(-1) ?? ''));
  };
  const first = await turn('Which word?', LAST_SESSION);
  const second = await turn('Are you sure?', first.newSessionId);

  expect([first, second]).toMatchObject([{ result: 'zebra' }, { result: 'zebra' }]);
  expect(second.newSessionId).toBe(first.newSessionId);
  const said = model.requests.map(({ userTexts }) => userTexts);
  const thread = ['My favourite word is zebra', 'Which word?'];
  expect(said[0]).toEqual(expect.arrayContaining(thread));
  expect(said[1]).toEqual(expect.arrayContaining([...thread, 'Are you sure?']));
  expect(JSON.stringify(model.requests[0]?.body)).toContain('I will remember the zebra.');
  expect(await readFile(adopted, 'utf8')).toBe(await readFile(ROLLOUT, 'utf8'));
});
