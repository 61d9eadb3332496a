import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sourceHash } from '../../src/agent/image-source.ts';
import { PACKAGE_ROOT } from '../support/sandbox.ts';
import { type EngineKind, engine, KINDS } from './engine-agent.ts';
import { TEST_IMAGE } from './image.ts';

const MEGABYTE = 1_000_000;
const MINUTE = 60_000;

interface Inspected {
  readonly Size: number;
  readonly Config: { readonly Labels: Readonly<Record<string, string>>; readonly User: string };
}

async function inspect(kind: EngineKind, image: string): Promise<Inspected> {
  return JSON.parse(await engine(kind, 'image', 'inspect', image))[0];
}

/** Runs a shell line in a fresh container, hardened as the host's are. */
async function inside(kind: EngineKind, image: string, line: string, ...args: string[]): Promise<string> {
  const hardened = [
    '--network',
    'none',
    '--read-only',
    '--cap-drop',
    'ALL',
    '--tmpfs',
    '/tmp:exec,mode=1777',
  ];
  const home = ['--env', 'HOME=/tmp'];
  return engine(
    kind,
    'run',
    '--rm',
    ...hardened,
    ...home,
    ...args,
    '--entrypoint',
    '/bin/bash',
    image,
    '-c',
    line,
  );
}

const turn = (provider: string) =>
  JSON.stringify({
    prompt: '@Andy ping',
    groupFolder: 'test',
    chatJid: 'test@g.us',
    isMain: false,
    provider,
    secrets: { ANTHROPIC_API_KEY: 'x', CODEX_API_KEY: 'x', KIMI_API_KEY: 'x' },
  });
const ask = (provider: string) => `echo '${turn(provider)}' | node /app/agent-runner/runner.mjs 2>/dev/null`;

describe.each(KINDS)('the image, by %s', (kind) => {
  it('stays under 1.2 GB, and reports its sources and its content', async () => {
    const { Size, Config } = await inspect(kind, TEST_IMAGE);
    expect(Size).toBeLessThan(1_200 * MEGABYTE);
    expect(Config).toMatchObject({
      User: '1000:1000',
      Labels: {
        'nanoclaw.source': await sourceHash(PACKAGE_ROOT),
        'nanoclaw.providers': 'claude,codex,kimi',
      },
    });
  });

  it('has the agents’ programs, git and ripgrep on its path, and only /tmp is writable', async () => {
    const programs = ['node', 'claude', 'codex', 'kimi', 'git', 'rg', 'curl'];
    const versions = await inside(
      kind,
      TEST_IMAGE,
      programs.map((name) => `${name} --version | head -1`).join(';'),
    );
    expect(versions.split('\n')).toHaveLength(programs.length);
    expect(versions).toMatch(/^v24\./);
  });

  it('works for another user than 1000 as well', async () => {
    const versions = await inside(
      kind,
      TEST_IMAGE,
      'claude --version; codex --version 2>/dev/null; kimi --version',
      '--user',
      '1234:1234',
    );
    expect(versions).toMatch(/^[\d.]+ \(Claude Code\)\ncodex-cli [\d.]+\n[\d.]+$/);
  });

  it('shows its skills to each agent when a turn starts', async () => {
    const listed = await inside(
      kind,
      TEST_IMAGE,
      `${ask('offline')} >/dev/null; head -qn2 ~/.{claude,codex,kimi}/skills/*/SKILL.md`,
    );
    expect(listed.match(/^name: reminders$/gm)).toHaveLength(3);
    expect(listed.match(/^name: whatsapp-formatting$/gm)).toHaveLength(3);
  });

  it('starts Kimi from what was compiled when it was built', async () => {
    const before = 'find /app/compile-cache -type f | wc -l';
    expect(Number(await inside(kind, TEST_IMAGE, before))).toBeGreaterThan(1);
    // Node says of each module whether the cache had it.
    const told = await inside(
      kind,
      TEST_IMAGE,
      'NODE_DEBUG_NATIVE=COMPILE_CACHE kimi --version 2>&1 | grep -a main.mjs',
    );
    expect(told).toMatch(/main\.mjs was accepted/);
  });
});

describe('an image with one agent', () => {
  const [kind] = KINDS as readonly [EngineKind];

  async function imageWith(provider: string): Promise<string> {
    const image = `nanoclaw-agent:test-only-${provider}`;
    const base = process.env.TEST_BASE_IMAGE ?? 'debian';
    await promisify(execFile)(
      join(PACKAGE_ROOT, 'container', 'build.sh'),
      ['--runtime', kind, '--base', base],
      {
        env: { ...process.env, CONTAINER_IMAGE: image, AGENT_PROVIDERS: provider },
        maxBuffer: 10 * MEGABYTE,
      },
    );
    onTestFinished(async () => {
      await engine(kind, 'image', 'rm', '--force', image);
    });
    return image;
  }

  it.each([
    ['claude', 'codex'],
    ['codex', 'kimi'],
    ['kimi', 'claude'],
  ])(
    'stays under 700 MB, and reports it when %s is installed and %s is requested',
    async (provider, other) => {
      const image = await imageWith(provider);
      expect((await inspect(kind, image)).Size).toBeLessThan(700 * MEGABYTE);
      expect(await inside(kind, image, `${provider} --version`)).toMatch(/\d+\.\d+\.\d+/);
      expect(await inside(kind, image, `command -v ${other} || echo none`)).toBe('none');
      const answer = await inside(kind, image, `${ask(other)} || true`);
      expect(answer).toMatch(/"status":"error".*Rebuild the image with this agent/);
      expect(answer).toContain('"errorKind":"not_installed"');
    },
    5 * MINUTE,
  );
});
