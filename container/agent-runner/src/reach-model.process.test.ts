import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { TurnFailure } from './failure.ts';
import { forwardTo } from './forwarder.ts';
import { reachModel } from './reach-model.ts';

/** A server on a socket of its own until the test has ended. */
async function onSocket(server: Server): Promise<string> {
  const path = join(temporaryDirectory(), 'proxy.sock');
  server.listen(path);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return path;
}

describe('the way to the model', () => {
  it('is a socket, set in each agent’s own variable', async () => {
    const server = createHttpServer((request, response) => response.end(`${request.method} ${request.url}`));
    const env = await reachModel({
      NANOCLAW_PROXY: `unix:${await onSocket(server)}`,
      CODEX_API_KEY: 'token',
    });
    const origin = env.ANTHROPIC_BASE_URL ?? '';
    expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(env).toMatchObject({
      OPENAI_BASE_URL: `${origin}/v1`,
      KIMI_BASE_URL: `${origin}/v1`,
      CODEX_API_KEY: 'token',
    });
    const answer = await fetch(`${env.OPENAI_BASE_URL}/responses`, { method: 'POST', body: 'x' });
    expect(await answer.text()).toBe('POST /v1/responses');
    server.closeAllConnections();
  });

  it('is the host’s address where there is no socket', async () => {
    const env = await reachModel({
      NANOCLAW_PROXY: 'http://host.docker.internal:4711',
      NO_PROXY: 'example.com',
    });
    expect(env).toMatchObject({
      ANTHROPIC_BASE_URL: 'http://host.docker.internal:4711',
      OPENAI_BASE_URL: 'http://host.docker.internal:4711/v1',
      KIMI_BASE_URL: 'http://host.docker.internal:4711/v1',
      NO_PROXY: 'example.com,host.docker.internal',
      no_proxy: 'example.com,host.docker.internal',
    });
  });

  it('is below the path that the host set for Kimi', async () => {
    const env = await reachModel({
      NANOCLAW_PROXY: 'http://192.168.64.1:1',
      KIMI_BASE_URL: 'http://localhost/coding/v1',
    });
    expect(env.KIMI_BASE_URL).toBe('http://192.168.64.1:1/coding/v1');
  });

  it.each([{}, { NANOCLAW_PROXY: '' }])(
    'stays as in the environment where the host holds no keys (%o)',
    async (given) => {
      const env = { ...given, ANTHROPIC_BASE_URL: 'http://127.0.0.1:9', KIMI_API_KEY: 'k' };
      expect(await reachModel(env)).toBe(env);
    },
  );
});

describe('a missing way to the model', () => {
  it('is reported when the socket does not exist, or nothing listens', async () => {
    const missing = join(temporaryDirectory(), 'proxy.sock');
    const reaching = reachModel({ NANOCLAW_PROXY: `unix:${missing}` });
    await expect(reaching).rejects.toThrow(TurnFailure);
    await expect(reaching).rejects.toMatchObject({
      kind: 'network',
      message: expect.stringContaining(missing),
    });
    await expect(reaching).rejects.toThrow(/ENOENT/);
  });

  it('is reported when the socket belongs to another user', async () => {
    const path = await onSocket(createServer());
    await chmod(path, 0o000);
    const reaching = reachModel({ NANOCLAW_PROXY: `unix:${path}` });
    // Root may connect to anything.
    if (process.getuid?.() === 0) expect((await reaching).ANTHROPIC_BASE_URL).toMatch(/^http:/);
    else await expect(reaching).rejects.toThrow(/EACCES/);
  });

  it.each(['unix:relative', 'https://example.com', 'nonsense'])(
    'is reported for the address %s, and the error names the variable',
    async (value) => {
      await expect(reachModel({ NANOCLAW_PROXY: value })).rejects.toThrow(/NANOCLAW_PROXY.*unix:\/PATH/);
    },
  );
});

describe('the forwarder', () => {
  /** A client and the host's end of its connection. */
  async function connected(): Promise<{ readonly client: Socket; readonly host: Socket }> {
    const server = createServer({ allowHalfOpen: true });
    const path = await onSocket(server);
    // The first connection is the trial.
    const trial = once(server, 'connection');
    const port = await forwardTo(path);
    await trial;
    const coming = once(server, 'connection');
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const [host] = (await coming) as [Socket];
    onTestFinished(() => {
      client.destroy();
      host.destroy();
    });
    return { client, host };
  }

  it('carries bytes both ways, and one side’s end leaves the other open', async () => {
    const { client, host } = await connected();
    client.end('question');
    const [question] = (await once(host, 'data')) as [Buffer];
    expect(question.toString()).toBe('question');
    await once(host, 'end');
    host.end('answer');
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString()).toBe('answer');
    await once(client, 'end');
  });

  it('ends the host’s side when the client breaks off', async () => {
    const { client, host } = await connected();
    const ended = once(host, 'close');
    host.on('end', () => host.end());
    host.resume();
    client.resetAndDestroy();
    await ended;
    expect(host.destroyed).toBe(true);
  });

  it('does not keep a program from ending by itself', async () => {
    const path = await onSocket(createServer());
    const source = new URL('./forwarder.ts', import.meta.url).href;
    const program = `const { forwardTo } = await import(${JSON.stringify(source)}); console.log(await forwardTo(${JSON.stringify(path)}));`;
    const child = execFile(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program]);
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  });
});
