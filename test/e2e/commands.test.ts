import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Simulator } from '../../simulator/simulator.ts';
import { inspectCredentials } from '../../src/channel/whatsapp/credentials.ts';
import { openStore } from '../../src/store/store.ts';
import { testProgram } from '../support/program.ts';
import { PACKAGE_ROOT, sharedDirectory } from '../support/sandbox.ts';

const WITHIN_MS = 45_000;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of nanoclaw to its end, without a terminal. */
async function nanoclaw(args: readonly string[], env: Record<string, string>): Promise<Ended> {
  const run = promisify(execFile)(process.execPath, [testProgram('cli'), ...args], {
    cwd: PACKAGE_ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, AGENT_PROVIDER: 'offline', ...env },
    timeout: WITHIN_MS,
  });
  try {
    return { code: 0, ...(await run) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

async function server(): Promise<{ simulator: Simulator; env: Record<string, string>; root: string }> {
  const root = sharedDirectory();
  const simulator = await Simulator.start({ owner: { name: 'Ann' } });
  onTestFinished(() => simulator.close());
  const env = { NANOCLAW_ROOT: root, WHATSAPP_URL: simulator.url, WHATSAPP_ROOT_KEY: simulator.rootKey };
  return { simulator, env, root };
}

describe('nanoclaw pair', () => {
  it('links the account, greets its owner and ends', async () => {
    const { simulator, env } = await server();
    const child = spawn(process.execPath, [testProgram('cli'), 'pair', '--raw'], {
      cwd: PACKAGE_ROOT,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines: string[] = [];
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      if (lines.length === 1) void simulator.scanQr(line);
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    const number = simulator.selfChat.split('@')[0];
    expect(lines.slice(-2)).toEqual([
      expect.stringMatching(new RegExp(`^Linked to \\+${number}.*A first message was sent to your own chat`)),
      expect.stringContaining('npm start'),
    ]);
    expect(simulator.chat(simulator.selfChat).map(({ text }) => text)).toEqual([
      expect.stringMatching(/Hello/),
    ]);
    const groups = await nanoclaw(['groups', '--json'], env);
    expect(JSON.parse(groups.stdout)).toMatchObject([{ folder: 'main', jid: simulator.selfChat }]);
  });

  it('links the account by a code that is typed on the phone, without log lines in its output', async () => {
    const { simulator, env, root } = await server();
    const number = simulator.selfChat.split('@')[0] ?? '';
    const { child, lines, errors } = pairing(
      ['--raw', '--code', `+${number.slice(0, 2)} ${number.slice(2)}`],
      { ...env, LOG_LEVEL: 'info' },
    );
    await vi.waitUntil(() => lines.length > 0, { timeout: WITHIN_MS });
    await simulator.enterCode(lines[0] ?? '');
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    expect(lines[1]).toMatch(/^Linked to/);
    // The log goes to its file.
    expect(errors).toEqual([]);
    expect(readFileSync(join(root, 'logs', 'nanoclaw.log'), 'utf8')).toMatch(
      /INFO: .*The WhatsApp line closed/,
    );
  });

  it('shows the log too when more of it is requested', async () => {
    const { simulator, env } = await server();
    const { child, lines, errors } = pairing(['--raw'], { ...env, LOG_LEVEL: 'debug' });
    await vi.waitUntil(() => lines.length > 0, { timeout: WITHIN_MS });
    await simulator.scanQr(lines[0] ?? '');
    await once(child, 'close');
    expect(errors.join('')).toMatch(/INFO: .*The WhatsApp line closed/);
  });

  it('reports that the first message was not confirmed', async () => {
    const { simulator, env } = await server();
    const { child, lines } = pairing(['--raw'], env);
    await vi.waitUntil(() => lines.length > 0, { timeout: WITHIN_MS });
    simulator.faults.withholdAcks();
    await simulator.scanQr(lines[0] ?? '');
    await simulator.waitFor(({ text }) => text.includes('Hello'), { timeoutMs: WITHIN_MS });
    simulator.faults.goOffline();
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    expect(lines[1]).toMatch(/not confirmed; it is sent again at the next start/);
  });

  it('reports an aborted pairing, exits with 1 and leaves nothing behind', async () => {
    const { simulator, env, root } = await server();
    const number = simulator.selfChat.split('@')[0] ?? '';
    const { child, lines, errors } = pairing(['--code', number], env);
    await vi.waitUntil(() => lines.length > 0, { timeout: WITHIN_MS });
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    expect(code).toBe(1);
    expect(errors.join('')).toMatch(/given up; nothing is left of it/);
    expect(inspectCredentials(join(root, 'store', 'whatsapp.db'))).toEqual({ status: 'unpaired' });
  });

  it('refuses an invalid number', async () => {
    const { env } = await server();
    const { code, stderr } = await nanoclaw(['pair', '--code', '0151 234'], env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/country code and without leading zeros, for example: \+49/);
  });
});

/** `nanoclaw pair` on its way, and what it has printed. */
function pairing(flags: readonly string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [testProgram('cli'), 'pair', ...flags], {
    cwd: PACKAGE_ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const errors: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  return { child, lines, errors };
}

describe('nanoclaw doctor', () => {
  it('names what is missing before the first start, for machines too, and exits with 1', async () => {
    const { env } = await server();
    const { code, stdout } = await nanoclaw(['doctor', '--json'], env);
    expect(code).toBe(1);
    const findings: { name: string; ok: boolean; cure?: string }[] = JSON.parse(stdout);
    expect(findings).toContainEqual(expect.objectContaining({ name: 'Node', ok: true }));
    expect(findings).toContainEqual(
      expect.objectContaining({ name: 'account', ok: false, cure: 'Link one: npx nanoclaw pair' }),
    );
  });
});

describe('nanoclaw start', () => {
  it('names the next step and exits when it has neither a terminal nor an account', async () => {
    const { env } = await server();
    const { code, stderr } = await nanoclaw(['start', '--allow-plain-process'], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/npx nanoclaw pair/);
  });

  it('names the fix for a file that is no database, and overwrites nothing', async () => {
    const { env, root } = await server();
    mkdirSync(join(root, 'store'));
    writeFileSync(join(root, 'store', 'messages.db'), 'not a database, but mine');
    const { code, stderr } = await nanoclaw(['start', '--allow-plain-process'], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/messages\.db cannot be opened.*Nothing was changed/);
    expect(readFileSync(join(root, 'store', 'messages.db'), 'utf8')).toBe('not a database, but mine');
  });

  it('names the fix for credentials that do not parse, and keeps them', async () => {
    const { env, root } = await server();
    mkdirSync(join(root, 'store'));
    const file = join(root, 'store', 'whatsapp.db');
    writeFileSync(file, 'half of an account');
    const { code, stderr } = await nanoclaw(['start', '--allow-plain-process'], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/whatsapp\.db.*Nothing was changed.*npx nanoclaw pair/s);
    expect(readFileSync(file, 'utf8')).toBe('half of an account');
  });

  it('never touches the folder of a group that leaves its parent directory', async () => {
    const { env, root } = await server();
    openStore(join(root, 'store', 'messages.db')).close();
    const sql = new BetterSqlite3(join(root, 'store', 'messages.db'));
    sql.exec(
      "INSERT INTO registered_groups (jid, name, folder, trigger_pattern, added_at) VALUES ('x@g.us', 'X', '../outside', '@Andy', '')",
    );
    sql.close();
    const { stderr } = await nanoclaw(['start', '--allow-plain-process'], env);
    expect(stderr).toMatch(/"\.\.\/outside\\?" cannot be a group's folder/);
    expect(() => readFileSync(join(root, 'outside', 'CLAUDE.md'))).toThrow(/ENOENT/);
  });

  it.each([
    ['LOG_LEVEL', 'loud', /LOG_LEVEL is "loud"; accepted is one of/],
    ['AGENT_PROVIDER', 'gpt', /AGENT_PROVIDER is "gpt"; accepted is one of claude/],
    ['CONTAINER_RUNTIME', 'container', /container.* is not installed/i],
    ['WHATSAPP_URL', 'wss://example.com/', /on this machine/],
  ])('reports %s=%s and exits', async (name, value, words) => {
    const { env } = await server();
    const { code, stderr } = await nanoclaw(['start'], { ...env, [name]: value });
    expect(code).toBe(1);
    expect(stderr).toMatch(words);
  });

  it('refuses to run without a sandbox against WhatsApp itself', async () => {
    const { code, stderr } = await nanoclaw(['start', '--allow-plain-process'], {
      NANOCLAW_ROOT: sharedDirectory(),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/a WhatsApp server on this machine only/);
  });

  it('refuses changed timings against WhatsApp itself', async () => {
    const { code, stderr } = await nanoclaw(['start', '--timings', '{"shutdownGraceMs": 1}'], {
      NANOCLAW_ROOT: sharedDirectory(),
      AGENT_PROVIDER: 'offline',
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/--timings are for .* a WhatsApp server on this machine only/);
  });

  it('refuses timings with unknown fields or bad values as a usage error that names each field', async () => {
    const { env } = await server();
    const timings = JSON.stringify({ shutdownGraceMs: '1 s', graceMs: 1 });
    const { code, stderr } = await nanoclaw(['start', '--timings', timings], env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/shutdownGraceMs: .*expected number/);
    expect(stderr).toMatch(/"graceMs"/);
  });
});

describe('the other commands', () => {
  it('report that nothing is there yet, and status exits with 1 while no host runs', async () => {
    const env = { NANOCLAW_ROOT: sharedDirectory() };
    for (const command of ['groups', 'tasks', 'sessions', 'status']) {
      expect(await nanoclaw([command], env)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/Pair first/),
      });
    }
    // They only look: nothing was made.
    expect(readdirSync(env.NANOCLAW_ROOT)).toEqual([]);
    openStore(join(env.NANOCLAW_ROOT, 'store', 'messages.db')).close();
    expect((await nanoclaw(['tasks'], env)).stdout).toMatch(/No task/);
    const status = await nanoclaw(['status', '--json'], env);
    expect(status.code).toBe(1);
    expect(JSON.parse(status.stdout)).toMatchObject({ hostPid: null, groups: 0 });
  });

  it.each([[['nonsense']], [['status', '--nonsense']]])(
    'exit with 2 when they are used wrongly, as in %j',
    async (args) => {
      expect((await nanoclaw(args, { NANOCLAW_ROOT: sharedDirectory() })).code).toBe(2);
    },
  );
});

describe('npm run demo', () => {
  it('answers as a script, ignores messages without the trigger, and waits for the reminder', async () => {
    const say = ['@Andy ping', 'nobody called', '@Andy remind me in 3 seconds to stretch'].flatMap((text) => [
      '--say',
      text,
    ]);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'simulator/demo/main.ts', ...say, '--timeout', '120'],
      { cwd: PACKAGE_ROOT },
    );
    expect(stdout).toMatch(/^Sandbox: /);
    expect(stdout).toMatch(/you> @Andy ping\nAndy> pong\nyou> nobody called\n\(left alone\)\n/);
    expect(stdout).toMatch(/Andy> Reminder: stretch\n$/);
  });

  it('exits with 1 when a message cannot be settled in time', async () => {
    const run = promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'simulator/demo/main.ts', '--say', '@Andy sleep 60', '--timeout', '8'],
      { cwd: PACKAGE_ROOT },
    );
    await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/within 8 seconds/) });
  });
});
