import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FRAME_END, FRAME_START } from '../../src/protocol/turn.ts';
import { startModelServer } from '../model-server/model-server.ts';
import { House } from '../support/house.ts';
import { PACKAGE_ROOT } from '../support/sandbox.ts';
import { CANARY, REAL_AGENTS, type RealAgent, text } from './agents/real-agents.ts';
import { type EngineKind, KINDS } from './engine-agent.ts';
import { newCheckout, runScript } from './guides/checkout.ts';
import * as guide from './guides/commands.ts';
import { TEST_IMAGE } from './image.ts';

const NODE = 1000;
const OWNERS = [
  ['node', NODE],
  ['root', 0],
] as const;

const [claude, codex, kimi] = REAL_AGENTS as readonly [RealAgent, RealAgent, RealAgent];

/** The frames among what a container said. */
function framesIn(stdout: string): { status: string; result: string | null; error?: string }[] {
  return stdout
    .split(FRAME_START)
    .slice(1)
    .map((piece) => JSON.parse(piece.split(FRAME_END)[0] ?? ''));
}

/** The owners that `ls -la` shows, of every line but the parent's. */
const ownersIn = (listing: string) =>
  listing
    .split('\n')
    .filter((line) => /^[d-][rwx-]{9}/.test(line) && !line.endsWith(' ..'))
    .map((line) => line.split(/\s+/)[2]);

/** A checkout whose `.env` leads to a model of our own that always says the same. */
async function startCheckout(
  kind: EngineKind,
  agent: RealAgent,
  owner = NODE,
  words = 'Hello from the model',
) {
  const model = await startModelServer(agent.protocol, () => text(words));
  onTestFinished(() => model.close());
  const checkout = await newCheckout(kind, agent.env(model.url), owner);
  expect(await checkout.run(guide.SET_UP)).toMatchObject({ code: 0 });
  return { ...checkout, model };
}

describe.each(KINDS)('the guides’ commands by %s', (kind) => {
  const checkoutFor = (agent: RealAgent, owner?: number, words?: string) =>
    startCheckout(kind, agent, owner, words);

  describe.each(OWNERS)('the guides’ commands where the mounted folders belong to %s', (_, owner) => {
    it.each(REAL_AGENTS)('the test query is answered by $provider', async (agent) => {
      const checkout = await checkoutFor(agent, owner, '2+2 is 4');
      for (const query of [guide.QUERY, guide.QUERY_BY_MOUNT]) {
        const { code, stdout, stderr } = await checkout.run(query);
        expect(code, stderr).toBe(0);
        expect(framesIn(stdout).at(-1)).toMatchObject({ status: 'success', result: '2+2 is 4' });
      }
      expect(checkout.model.requests.some(({ userTexts }) => userTexts.join().includes('What is 2+2?'))).toBe(
        true,
      );
      expect(checkout.model.requests[0]?.key).toBe(CANARY);
    });
  });

  it('show that keys arrive', async () => {
    const keys = `${CANARY.length} chars`;
    expect((await (await checkoutFor(claude)).run(guide.CLAUDE_KEYS)).stdout).toBe(
      `OAuth: 0 chars, API: ${keys}\n`,
    );
    expect((await (await checkoutFor(codex)).run(guide.CODEX_KEYS)).stdout).toBe(`CODEX_API_KEY: ${keys}\n`);
  });

  it('show a workspace and an app that belong to node', async () => {
    const { run } = await checkoutFor(claude);
    const { stdout } = await run(guide.OWNERSHIP);
    expect(stdout).toMatch(/^node\n/);
    expect(ownersIn(stdout).length).toBeGreaterThan(10);
    expect(new Set(ownersIn(stdout))).toEqual(new Set(['node']));
    const workspace = (await run(guide.WORKSPACE)).stdout;
    for (const name of ['env-dir', 'group', 'project', 'global', 'ipc', 'extra'])
      expect(workspace).toMatch(new RegExp(` ${name}$`, 'm'));
  });

  it('show the sessions that are mounted', async () => {
    const { run, path } = await checkoutFor(claude);
    await mkdir(join(path, '.claude', 'projects', 'one'), { recursive: true });
    expect((await run(guide.CLAUDE_SESSIONS)).stdout).toMatch(/^HOME=\/home\/node\n[\s\S]* one\n/);
    await mkdir(join(path, 'data', 'sessions', 'test', '.codex', 'sessions'), { recursive: true });
    expect((await run(guide.CODEX_SESSIONS)).stdout).toMatch(/^HOME=\/home\/node\n[\s\S]* sessions\n/);
  });

  it('open a shell in the container', async () => {
    const { run } = await checkoutFor(claude);
    // A terminal, which the command asks for.
    const { stdout } = await run(
      `script -qec "${guide.INTERACTIVE_SHELL}" /dev/null`,
      'echo I-am-$(whoami); exit\n',
    );
    expect(stdout).toContain('I-am-node');
  });

  it('find the image', async () => {
    const { run } = await checkoutFor(kimi);
    const [repository, tag] = TEST_IMAGE.split(':');
    expect((await run(guide.IMAGES)).stdout).toMatch(
      new RegExp(`^(?:localhost/)?${repository} +${tag} `, 'm'),
    );
  });
});

// What the image's programs do, and the host's files, do not depend on the engine.
describe('the guides’ commands in a container', () => {
  const [kind] = KINDS as readonly [EngineKind];
  const checkoutFor = (agent: RealAgent, owner?: number, words?: string) =>
    startCheckout(kind, agent, owner, words);

  it.each(OWNERS)('run the programs directly where the mounted folders belong to %s', async (_, owner) => {
    expect((await (await checkoutFor(claude, owner)).run(guide.CLAUDE_DIRECTLY)).stdout).toBe(
      'Hello from the model\n',
    );
    const { run } = await checkoutFor(codex, owner);
    expect((await run(guide.CODEX_DIRECTLY)).stdout).toContain('Hello from the model');
  });

  it('run Codex as the reference says', async () => {
    const answer = JSON.stringify({ result: 'Hello' });
    const { run, model } = await checkoutFor(codex, NODE, answer);
    expect((await run(guide.CODEX_REFERENCE)).stdout.trim()).toBe(answer);
    expect(model.requests[0]?.body).toMatchObject({
      text: { format: { type: 'json_schema', strict: true, schema: { required: ['result'] } } },
    });
  });

  it('give Kimi a key for the turn, which its service is called with', async () => {
    const { run, model } = await checkoutFor(kimi);
    const here = `"KIMI_BASE_URL":"${model.url}/v1","KIMI_API_KEY"`;
    const { stdout } = await run(guide.QUERY_WITH_SECRET.replace('"KIMI_API_KEY"', here));
    expect(stdout).toContain(FRAME_START);
    await expect.poll(() => model.requests[0]?.key).toBe('your-key');
  });

  it.each([
    ['claude', /Code version ===\n\d+\.\d+\.\d+ \(Claude Code\)\n/],
    ['codex', /Codex CLI version ===\ncodex-cli \d+\.\d+\.\d+\n/],
    ['kimi', /Kimi CLI version ===\n\d+\.\d+\.\d+\n/],
  ] as const)('show what is in the image (%s)', async (provider, version) => {
    const { stdout, stderr, code } = await (await checkoutFor(claude)).run(guide.CONTENTS[provider]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^=== Node version ===\nv24\.\d+\.\d+\n/);
    expect(stdout).toMatch(version);
    expect(stdout).toMatch(/packages ===\n@anthropic-ai\n@moonshot-ai\n@openai\n/);
  });

  it('ask Kimi about itself', async () => {
    const { stdout, code } = await (await checkoutFor(kimi)).run(guide.KIMI_DIRECTLY);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^(\d+\.\d+\.\d+)\nkimi-code version: \1\nnode version: v24\./);
  });

  it.each(REAL_AGENTS)(
    'the quick diagnostic script for $provider, word by word, finds nothing wrong in a root at work',
    async (agent) => {
      const model = await startModelServer(agent.protocol, () => text('Hello from the model'));
      onTestFinished(() => model.close());
      const house = await House.start({
        ...agent.env(model.url),
        AGENT_PROVIDER: agent.provider,
        CONTAINER_RUNTIME: kind,
        CONTAINER_IMAGE: TEST_IMAGE,
      });
      for (const question of ['@Andy hello', '@Andy hello again']) {
        await house.say(question);
        await house.answer(/Hello from the model/);
        await house.idle();
      }
      // A root is the checkout itself, with its settings and sources.
      const keys = Object.entries(agent.env(model.url)).map(([name, value]) => `${name}=${value}\n`);
      await writeFile(house.path('.env'), keys.join(''));
      await symlink(join(PACKAGE_ROOT, 'src'), house.path('src'));
      const script = await readFile(
        new URL(`guides/diagnostics-${agent.provider}.sh`, import.meta.url),
        'utf8',
      );
      const { stdout, stderr } = await runScript(kind, house.root, script);
      expect(stderr).toBe('');
      expect(stdout).not.toMatch(/MISSING|NOT RUNNING|WRONG|CHECK|error/);
      // Keys, environment file, engine, image, mounts and sessions.
      expect(stdout.match(/^OK\b/gm)).toHaveLength(6);
    },
  );
});
