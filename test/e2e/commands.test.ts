import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { Simulator } from '../../simulator/simulator.ts';
import { inspectCredentials } from '../../src/channel/whatsapp/credentials.ts';
import { openStore } from '../../src/store/store.ts';
import { type Ended, environmentOf, runNanoclaw } from '../support/nanoclaw.ts';
import { testProgram } from '../support/program.ts';
import { sharedDirectory } from '../support/sandbox.ts';

/** A new root, a WhatsApp server, and commands on that root that use it. */
async function server() {
  const root = sharedDirectory();
  const simulator = await Simulator.start({ owner: { name: 'Ann' } });
  onTestFinished(() => simulator.close());
  const env = { WHATSAPP_URL: simulator.url, WHATSAPP_ROOT_KEY: simulator.rootKey };
  const nanoclaw = (args: readonly string[], more: Record<string, string> = {}): Promise<Ended> =>
    runNanoclaw(root, args, { ...env, ...more });
  /** `nanoclaw pair` on its way, what it has printed, and its exit code. */
  const pairing = (flags: readonly string[], more: Record<string, string> = {}) => {
    const child = spawn(process.execPath, [testProgram('cli'), 'pair', ...flags], {
      env: { ...environmentOf(root), ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = once(child, 'close').then(([code]: (number | null)[]) => code);
    const lines: string[] = [];
    const errors: string[] = [];
    createInterface(child.stdout).on('line', (line) => lines.push(line));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
    /** The first QR or code. */
    const offer = async (): Promise<string> => {
      await vi.waitUntil(() => lines.length > 0);
      return lines[0] ?? '';
    };
    return { child, ended, lines, errors, offer };
  };
  return { simulator, root, nanoclaw, pairing };
}

describe('nanoclaw pair', () => {
  it('links the account, greets its owner and ends', async () => {
    const { simulator, nanoclaw, pairing } = await server();
    const { ended, lines, offer } = pairing(['--raw']);
    await simulator.scanQr(await offer());
    expect(await ended).toBe(0);
    const number = simulator.selfChat.split('@')[0];
    expect(lines.slice(-2)).toEqual([
      expect.stringMatching(new RegExp(`^Linked to \\+${number}.*A first message was sent to your own chat`)),
      expect.stringContaining('npm start'),
    ]);
    expect(simulator.chat(simulator.selfChat).map(({ text }) => text)).toEqual([
      expect.stringMatching(/Hello/),
    ]);
    const groups = await nanoclaw(['groups', '--json']);
    expect(JSON.parse(groups.stdout)).toMatchObject([{ folder: 'main', jid: simulator.selfChat }]);
  });

  it('links the account by a code that is typed on the phone, without log lines in its output', async () => {
    const { simulator, root, pairing } = await server();
    const number = simulator.selfChat.split('@')[0] ?? '';
    const { ended, lines, errors, offer } = pairing(
      ['--raw', '--code', `+${number.slice(0, 2)} ${number.slice(2)}`],
      { LOG_LEVEL: 'info' },
    );
    await simulator.enterCode(await offer());
    expect(await ended).toBe(0);
    expect(lines[1]).toMatch(/^Linked to/);
    // The log goes to its file.
    expect(errors).toEqual([]);
    expect(readFileSync(join(root, 'logs', 'nanoclaw.log'), 'utf8')).toMatch(
      /INFO: .*The WhatsApp line closed/,
    );
  });

  it('shows the log too when more of it is requested', async () => {
    const { simulator, pairing } = await server();
    const { ended, errors, offer } = pairing(['--raw'], { LOG_LEVEL: 'debug' });
    await simulator.scanQr(await offer());
    await ended;
    expect(errors.join('')).toMatch(/INFO: .*The WhatsApp line closed/);
  });

  it('writes a log of the stanzas on request, without numbers, keys and secrets', async () => {
    const { simulator, root, pairing } = await server();
    const { ended, errors, offer } = pairing(['--raw', '--debug']);
    const qr = await offer();
    await simulator.scanQr(qr);
    expect(await ended).toBe(0);
    const file = join(root, 'logs', 'pairing.debug.log');
    expect(errors.join('')).toContain(file);
    const log = readFileSync(file, 'utf8');
    expect(log).toMatch(/companion_reg_refresh[\s\S]*<pair-success/);
    const [reference = '', ...keys] = (qr.split('#')[1] ?? '').split(',');
    const secrets = [reference, ...keys.slice(0, 3)].flatMap((text) => [
      text,
      Buffer.from(text, 'base64').toString('hex'),
    ]);
    for (const secret of [...secrets, simulator.selfChat.split('@')[0] ?? '', simulator.owner.name])
      expect(log).not.toContain(secret);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  // With its own waiting time, 35 s.
  it('reports that the first message was not confirmed', { timeout: 120_000 }, async () => {
    const { simulator, pairing } = await server();
    const { ended, lines, offer } = pairing(['--raw']);
    const qr = await offer();
    simulator.faults.withholdAcks();
    await simulator.scanQr(qr);
    await simulator.waitFor(({ text }) => text.includes('Hello'), { timeoutMs: inject('waitMs') });
    simulator.faults.goOffline();
    expect(await ended).toBe(0);
    expect(lines[1]).toMatch(/not confirmed; it is sent again at the next start/);
  });

  it.each([
    ['before it has connected', /^Connecting to WhatsApp…$/],
    ['while it shows a code', /^Then type: /],
  ])('reports a pairing that is aborted %s, exits with 1 and leaves nothing behind', async (_, line) => {
    const { simulator, root, pairing } = await server();
    const number = simulator.selfChat.split('@')[0] ?? '';
    const { child, ended, errors, lines } = pairing(['--code', number]);
    await vi.waitUntil(() => lines.some((each) => line.test(each)), { timeout: inject('waitMs') });
    child.kill('SIGINT');
    expect(await ended).toBe(1);
    expect(errors.join('')).toMatch(/given up; nothing is left of it/);
    expect(inspectCredentials(join(root, 'store', 'whatsapp.db')).status).toMatch(/^(absent|unpaired)$/);
  });

  it('refuses an invalid number', async () => {
    const { nanoclaw } = await server();
    const { code, stderr } = await nanoclaw(['pair', '--code', '0151 234']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/country code and without leading zeros, for example: \+49/);
  });
});

describe('nanoclaw doctor', () => {
  it('names what is missing before the first start, for machines too, and exits with 1', async () => {
    const { nanoclaw } = await server();
    const { code, stdout } = await nanoclaw(['doctor', '--json']);
    expect(code).toBe(1);
    const findings: { name: string; ok: boolean; cure?: string }[] = JSON.parse(stdout);
    expect(findings).toContainEqual(expect.objectContaining({ name: 'Node', ok: true }));
    expect(findings).toContainEqual(
      expect.objectContaining({ name: 'account', ok: false, cure: 'Link one: ./nanoclaw pair' }),
    );
  });
});

describe('nanoclaw start', () => {
  it('names the next step and exits when it has neither a terminal nor an account', async () => {
    const { root, nanoclaw } = await server();
    const { code, stderr } = await nanoclaw(['start', '--allow-plain-process']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/\.\/nanoclaw pair/);
    expect(readFileSync(join(root, 'logs', 'nanoclaw.error.log'), 'utf8')).toMatch(/\.\/nanoclaw pair/);
  });

  it('makes nothing that every user of the machine may write, under a umask of 0 too', async () => {
    const { root, nanoclaw } = await server();
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    await nanoclaw(['start', '--allow-plain-process']);
    const made = readdirSync(root, { recursive: true, encoding: 'utf8' });
    expect(made).toContain(join('groups', 'global'));
    expect(made.filter((name) => (lstatSync(join(root, name)).mode & 0o002) !== 0)).toEqual([]);
  });

  it('names the fix for a file that is no database, and overwrites nothing', async () => {
    const { root, nanoclaw } = await server();
    mkdirSync(join(root, 'store'));
    writeFileSync(join(root, 'store', 'messages.db'), 'not a database, but mine');
    const { code, stderr } = await nanoclaw(['start', '--allow-plain-process']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/messages\.db cannot be opened.*Nothing was changed/);
    expect(readFileSync(join(root, 'store', 'messages.db'), 'utf8')).toBe('not a database, but mine');
  });

  it('names the fix for credentials that do not parse, and keeps them', async () => {
    const { root, nanoclaw } = await server();
    mkdirSync(join(root, 'store'));
    const file = join(root, 'store', 'whatsapp.db');
    writeFileSync(file, 'half of an account');
    const { code, stderr } = await nanoclaw(['start', '--allow-plain-process']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/whatsapp\.db.*Nothing was changed.*\.\/nanoclaw pair/s);
    expect(readFileSync(file, 'utf8')).toBe('half of an account');
  });

  it('never touches the folder of a group that leaves its parent directory', async () => {
    const { root, nanoclaw } = await server();
    openStore(join(root, 'store', 'messages.db')).close();
    const sql = new BetterSqlite3(join(root, 'store', 'messages.db'));
    sql.exec(
      "INSERT INTO registered_groups (jid, name, folder, trigger_pattern, added_at) VALUES ('x@g.us', 'X', '../outside', '@Andy', '')",
    );
    sql.close();
    const { stderr } = await nanoclaw(['start', '--allow-plain-process']);
    expect(stderr).toMatch(/"\.\.\/outside\\?" cannot be a group's folder/);
    expect(() => readFileSync(join(root, 'outside', 'CLAUDE.md'))).toThrow(/ENOENT/);
  });

  it.each([
    ['LOG_LEVEL', 'loud', /LOG_LEVEL is "loud"; accepted is one of/],
    ['AGENT_PROVIDER', 'gpt', /AGENT_PROVIDER is "gpt"; accepted is one of claude/],
    ['CONTAINER_RUNTIME', 'container', /container.* is not installed/i],
    ['WHATSAPP_URL', 'wss://example.com/', /on this machine/],
  ])('reports %s=%s, in the log too, and exits', async (name, value, words) => {
    const { root, nanoclaw } = await server();
    const { code, stderr } = await nanoclaw(['start'], { [name]: value });
    expect(code).toBe(1);
    expect(stderr).toMatch(words);
    expect(readFileSync(join(root, 'logs', 'nanoclaw.log'), 'utf8').replaceAll('\\"', '"')).toMatch(words);
  });

  it('refuses to run without a sandbox against WhatsApp itself', async () => {
    const { code, stderr } = await runNanoclaw(sharedDirectory(), ['start', '--allow-plain-process']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/a WhatsApp server on this machine only/);
  });

  it('refuses changed timings against WhatsApp itself', async () => {
    const { code, stderr } = await runNanoclaw(sharedDirectory(), [
      'start',
      '--timings',
      '{"shutdownGraceMs": 1}',
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/--timings are for .* a WhatsApp server on this machine only/);
  });

  it('refuses timings with unknown fields or bad values as a usage error that names each field', async () => {
    const { nanoclaw } = await server();
    const timings = JSON.stringify({ shutdownGraceMs: '1 s', graceMs: 1 });
    const { code, stderr } = await nanoclaw(['start', '--timings', timings]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/shutdownGraceMs: .*expected number/);
    expect(stderr).toMatch(/"graceMs"/);
  });
});

describe('the other commands', () => {
  it('report that nothing is there yet, and status exits with 1 while no host runs', async () => {
    const root = sharedDirectory();
    const nanoclaw = (...args: readonly string[]): Promise<Ended> => runNanoclaw(root, args);
    for (const command of ['groups', 'tasks', 'sessions', 'status']) {
      expect(await nanoclaw(command)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/Pair first/),
      });
    }
    // They only look: nothing was made.
    expect(readdirSync(root)).toEqual([]);
    openStore(join(root, 'store', 'messages.db')).close();
    expect((await nanoclaw('tasks')).stdout).toMatch(/No task/);
    const status = await nanoclaw('status', '--json');
    expect(status.code).toBe(1);
    expect(JSON.parse(status.stdout)).toMatchObject({ hostPid: null, groups: 0 });
  });

  it.each([[['nonsense']], [['status', '--nonsense']]])(
    'exit with 2 when they are used wrongly, as in %j',
    async (args) => {
      expect((await runNanoclaw(sharedDirectory(), args)).code).toBe(2);
    },
  );
});
