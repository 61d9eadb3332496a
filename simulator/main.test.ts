import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { compile } from '../test/support/program.ts';
import { PlainClient } from './client/plain-client.ts';
import { AS_BEFORE } from './client/rig.ts';
import { trustRoot } from './client/trust-root.ts';
import { quietLibsignal } from './wire/libsignal-console.ts';

let programs: string;
let directory: string;
let child: ChildProcess | undefined;

beforeAll(async () => {
  programs = await compile({ simulator: 'simulator/main.ts' });
});

afterAll(() => rm(programs, { recursive: true }));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'simulator-'));
});

afterEach(async () => {
  if (child && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(directory, { recursive: true });
});

function run(...options: string[]): ChildProcess {
  child = spawn(process.execPath, [join(programs, 'simulator.mjs'), ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return child;
}

async function firstLine(
  running: ChildProcess,
): Promise<{ url: string; controlUrl: string; rootKey: string; mediaCertificate: string }> {
  const [line] = (await once(createInterface(running.stdout!), 'line')) as [string];
  return JSON.parse(line) as Awaited<ReturnType<typeof firstLine>>;
}

async function failure(...options: string[]): Promise<{ code: number; stderr: string }> {
  const running = run(...options);
  let stderr = '';
  running.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const [code] = (await once(running, 'close')) as [number];
  return { code, stderr };
}

it.each(['SIGTERM', 'SIGINT'] as const)(
  'the simulator reports where it listens, and ends cleanly at %s',
  async (signal) => {
    const running = run();
    const { url, controlUrl, rootKey, mediaCertificate } = await firstLine(running);
    expect(await readFile(mediaCertificate, 'utf8')).toMatch(/BEGIN CERTIFICATE/);
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/ws\/chat$/);
    expect(controlUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(rootKey).toMatch(/^[0-9a-f]{64}$/);
    const exit = once(running, 'exit');
    running.kill(signal);
    expect(await exit).toEqual([0, null]);
  },
);

it('the simulator serves a client from another process and writes the traffic to the log', async () => {
  const log = join(directory, 'wire.jsonl');
  const running = run('--wire-log', log, '--owner-name', 'Maria', '--owner-number', '4917099');
  const { url, controlUrl, rootKey } = await firstLine(running);
  const distrust = trustRoot(rootKey);
  const release = quietLibsignal();
  const client = new PlainClient(url);
  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(`${controlUrl}${path}`, { method: 'POST', body: JSON.stringify(body) });
  await post('/rules', AS_BEFORE);
  const qr = await client.showQr();
  const closed = client.closed();
  await post('/scan', { qr });
  await closed;
  await client.open();
  await post('/say', { chat: 'self', text: 'spoken on the phone' });
  await client.message('spoken on the phone');
  await client.socket.sendMessage('4917099@s.whatsapp.net', { text: 'spoken by the device' });
  await fetch(`${controlUrl}/wait?contains=by+the+device`);
  await client.end();
  distrust();
  release();
  const exit = once(running, 'exit');
  await post('/shutdown', {});
  expect(await exit).toEqual([0, null]);

  const entries = (await readFile(log, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(entries.every(({ at }) => !Number.isNaN(Date.parse(at)))).toBe(true);
  const texts = entries
    .filter(({ kind }) => kind === 'message')
    .map(({ direction, text }) => `${direction} ${text}`);
  expect(texts).toEqual(['out spoken on the phone', 'in spoken by the device']);
  const connections = entries.filter(({ kind }) => kind === 'connection').map(({ event }) => event);
  // The pairing's connection and the one after its restart; the first may close after the second has opened.
  expect(connections.sort()).toEqual(['close', 'close', 'open', 'open']);
  expect(entries.some(({ direction, tag }) => direction === 'in' && tag === 'message')).toBe(true);
  expect(entries.filter(({ kind }) => kind === 'problem')).toEqual([]);
});

it('the simulator refuses wrong options and names the error', async () => {
  const { code, stderr } = await failure('--port', 'http');
  expect(code).toBe(2);
  expect(stderr).toContain('--port is "http"');
});

it('the simulator reports that the log cannot be written', async () => {
  const { code, stderr } = await failure('--wire-log', join(directory, 'nowhere', 'wire.jsonl'));
  expect(code).toBe(1);
  expect(stderr).toContain('ENOENT');
});

it('the simulator reports that a port is taken, and leaves nothing behind', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  const port = typeof address === 'object' ? address?.port : 0;
  for (const option of ['--port', '--control-port']) {
    const { code, stderr } = await failure(option, `${port}`, '--wire-log', join(directory, 'wire.jsonl'));
    expect(code).toBe(1);
    expect(stderr).toContain('EADDRINUSE');
  }
  other.close();
});
