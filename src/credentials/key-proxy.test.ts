import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import type { RunCredentials } from '../agent/agent.ts';
import { KeyProxy } from './key-proxy.ts';
import { ServiceAddressError } from './model-access.ts';
import { makeProxyPlace } from './proxy-place.ts';
import { ProxyListenError } from './run-door.ts';
import { CANARY, socketOf, startProxy } from './testing/proxy.ts';
import { JSON_ANSWER, startService } from './testing/service.ts';

describe('the credentials of a run', () => {
  it('are the proxy’s address, a token of its own and the directory of the socket, and not the key', async () => {
    const { issue, directory } = await startProxy({ ANTHROPIC_API_KEY: CANARY });
    const first = await issue('claude', 'run-1');
    const second = await issue('claude', 'run-2');
    expect(first.env).toEqual({
      NANOCLAW_PROXY: 'unix:/workspace/credentials/proxy.sock',
      ANTHROPIC_API_KEY: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(second.token).not.toBe(first.token);
    expect([...first.mounts, ...second.mounts]).toEqual(
      ['1', '2'].map((name) => ({
        hostPath: join(directory, name),
        containerPath: '/workspace/credentials',
        readonly: true,
      })),
    );
    expect(JSON.stringify([first, second])).not.toContain(CANARY);
  });

  it.each([
    ['claude', { ANTHROPIC_API_KEY: 'a', CLAUDE_CODE_OAUTH_TOKEN: 'b' }, 'ANTHROPIC_API_KEY'],
    ['claude', { CLAUDE_CODE_OAUTH_TOKEN: 'b' }, 'CLAUDE_CODE_OAUTH_TOKEN'],
    ['claude', { ANTHROPIC_AUTH_TOKEN: 'c' }, 'ANTHROPIC_AUTH_TOKEN'],
    ['codex', { CODEX_API_KEY: 'd' }, 'CODEX_API_KEY'],
    ['codex', { OPENAI_API_KEY: 'e' }, 'OPENAI_API_KEY'],
    ['kimi', { KIMI_API_KEY: 'f' }, 'KIMI_API_KEY'],
    ['codex', { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' }, 'CODEX_API_KEY'],
  ] as const)('a run of %s with %o gets a token in %s', async (provider, variables, name) => {
    const { issue } = await startProxy(variables as Record<string, string>);
    const { env } = await issue(provider);
    expect(Object.keys(env)).toEqual(['NANOCLAW_PROXY', name]);
  });

  it('are missing where the key has invalid characters, and the log says so without it', async () => {
    const { issue, logged } = await startProxy({ ANTHROPIC_API_KEY: `${CANARY}\n` });
    expect(await issue('claude')).toMatchObject({ env: {}, mounts: [] });
    expect(logged()).toMatch(/ANTHROPIC_API_KEY.*cannot be sent/);
    expect(logged()).not.toContain(CANARY);
  });

  it('are missing without a key of the host, for another provider’s key, and for the offline agent', async () => {
    const { issue } = await startProxy({ KIMI_API_KEY: CANARY, ANTHROPIC_API_KEY: 'two\nlines' });
    for (const provider of ['claude', 'codex', 'offline'] as const) {
      expect(await issue(provider)).toMatchObject({ env: {}, mounts: [] });
    }
  });

  it('have a token that begins like Claude’s key and shares nothing else with it', async () => {
    for (const [variable, prefix] of [
      ['ANTHROPIC_API_KEY', 'sk-ant-api03-'],
      ['CLAUDE_CODE_OAUTH_TOKEN', 'sk-ant-oat01-'],
    ] as const) {
      const { issue } = await startProxy({ [variable]: `${prefix}${CANARY}` });
      const { token } = await issue('claude');
      expect(token).toMatch(new RegExp(`^${prefix}[\\w-]{43}$`));
      expect(token).not.toContain(CANARY);
    }
  });

  it('have a path that shows Kimi’s runner a subscription’s key', async () => {
    const { issue } = await startProxy({ KIMI_API_KEY: 'sk-kimi-1' });
    expect((await issue('kimi')).env.KIMI_BASE_URL).toBe('http://localhost/coding/v1');
  });

  it('are refused when the service’s address is invalid', async () => {
    const { issue } = await startProxy({ CODEX_API_KEY: CANARY, OPENAI_BASE_URL: 'localhost:11434' });
    await expect(issue('codex')).rejects.toThrow(ServiceAddressError);
    await expect(issue('codex')).rejects.toThrow(/OPENAI_BASE_URL/);
  });
});

describe('the host’s key', () => {
  it.each([
    ['ANTHROPIC_API_KEY', 'x-api-key', CANARY],
    ['ANTHROPIC_AUTH_TOKEN', 'authorization', `Bearer ${CANARY}`],
    ['CLAUDE_CODE_OAUTH_TOKEN', 'authorization', `Bearer ${CANARY}`],
  ])('a key in %s reaches the service in %s, in the token’s place', async (variable, header, value) => {
    const service = await startService();
    const { issue, call } = await startProxy({ [variable]: CANARY, ANTHROPIC_BASE_URL: service.url });
    const { token } = await issue('claude');
    const headers = { 'x-api-key': token, authorization: `Bearer ${token}`, 'anthropic-beta': 'one' };
    const reply = await call({ path: '/v1/messages?beta=true', headers, body: '{"a":1}' });
    expect(reply).toMatchObject({ status: 200, body: '{"ok":true}' });
    const [asked] = service.asked;
    expect(asked).toMatchObject({ method: 'POST', path: '/v1/messages?beta=true', body: '{"a":1}' });
    expect(asked?.headers[header]).toBe(value);
    expect(JSON.stringify(asked)).not.toContain(token);
    expect(asked?.headers[header === 'x-api-key' ? 'authorization' : 'x-api-key']).toBeUndefined();
    expect(asked?.headers['anthropic-beta']).toBe(
      variable === 'CLAUDE_CODE_OAUTH_TOKEN' ? 'one,oauth-2025-04-20' : 'one',
    );
  });

  it('is read again at each request', async () => {
    const service = await startService();
    let key = 'old-key';
    const { issue, call } = await startProxy(() => ({
      KIMI_API_KEY: key,
      KIMI_BASE_URL: `${service.url}/v1`,
    }));
    const { token } = await issue('kimi');
    const ask = { path: '/v1/chat/completions', headers: { authorization: `Bearer ${token}` }, body: '{}' };
    await call(ask);
    key = 'new-key';
    await call(ask);
    expect(service.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer old-key',
      'Bearer new-key',
    ]);
  });

  it('is reported when it is removed in the middle of a run', async () => {
    let variables: Record<string, string> = { KIMI_API_KEY: CANARY };
    const { issue, call } = await startProxy(() => variables);
    const { token } = await issue('kimi');
    variables = {};
    const reply = await call({ path: '/v1/chat/completions', headers: { authorization: `Bearer ${token}` } });
    expect(reply.status).toBe(401);
    expect(JSON.parse(reply.body).error.code).toBe('nanoclaw_no_key');
  });

  it('is not sent when the configured service needs none', async () => {
    const service = await startService();
    const { issue, call } = await startProxy({ OPENAI_BASE_URL: `${service.url}/v1` });
    const { token } = await issue('codex');
    await call({ path: '/v1/responses', headers: { authorization: `Bearer ${token}` }, body: '{}' });
    expect(service.asked[0]?.headers.authorization).toBeUndefined();
  });

  it('is in no log and no answer, not even when the service echoes it', async () => {
    const service = await startService((_request, response) => {
      response.writeHead(401, {
        'content-type': 'application/json',
        'x-your-key': CANARY,
        'set-cookie': 'a=b',
      });
      response.end(JSON.stringify({ error: { message: `bad key ${CANARY} – sorry` } }));
    });
    const { issue, call, logged } = await startProxy({
      CODEX_API_KEY: CANARY,
      OPENAI_BASE_URL: `${service.url}/v1`,
    });
    const { token } = await issue('codex');
    const headers = { authorization: `Bearer ${token}` };
    const reply = await call({ path: '/v1/responses', headers, body: '{"secret":"body-7312"}' });
    expect(service.asked[0]?.headers.authorization).toBe(`Bearer ${CANARY}`);
    expect(reply).toMatchObject({ status: 401, body: '{"error":{"message":"bad key [redacted] – sorry"}}' });
    expect(JSON.stringify(reply)).not.toContain(CANARY);
    expect(reply.headers['set-cookie']).toBeUndefined();
    expect(logged()).toContain('Model service refused the key');
    for (const secret of [CANARY, token, 'body-7312']) expect(logged()).not.toContain(secret);
  });

  it('is taken out of an error together with the password in the service’s address', async () => {
    const password = 'top-secret-71';
    const service = await startService((_request, response) => {
      response.writeHead(400).end(JSON.stringify({ error: { message: `${CANARY} of ann:${password}` } }));
    });
    const { issue, call, logged } = await startProxy({
      CODEX_API_KEY: CANARY,
      OPENAI_BASE_URL: service.url.replace('://', `://ann:${password}@`),
    });
    const { token } = await issue('codex');
    const reply = await call({
      path: '/v1/responses',
      headers: { authorization: `Bearer ${token}` },
      body: '{}',
    });
    expect(reply.body).toBe('{"error":{"message":"[redacted] of ann:[redacted]"}}');
    expect(logged()).not.toContain(password);
  });

  it('is logged as short-lived when it looks like such a token of Claude, once per run', async () => {
    const service = await startService((_request, response) => void response.writeHead(401).end('{}'));
    const { issue, call, logged } = await startProxy({
      CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-abc',
      ANTHROPIC_BASE_URL: service.url,
    });
    const { token } = await issue('claude');
    const ask = { path: '/v1/messages', headers: { authorization: `Bearer ${token}` }, body: '{}' };
    await call(ask);
    await call(ask);
    const warnings = logged()
      .split('\n')
      .filter((line) => line.includes('"level":40'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('claude setup-token');
  });
});

describe('a token', () => {
  it.each([
    ['none', {}],
    ['a wrong one', { authorization: 'Bearer wrong' }],
    ['the key itself', { 'x-api-key': CANARY }],
  ])('is refused: %s', async (_name, headers) => {
    const service = await startService();
    const { issue, call } = await startProxy({ ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: service.url });
    await issue('claude');
    const reply = await call({ path: '/v1/messages', headers, body: '{}' });
    expect(reply.status).toBe(401);
    expect(JSON.parse(reply.body)).toEqual({
      type: 'error',
      error: { type: 'authentication_error', message: expect.stringContaining('nanoclaw_unknown_token') },
    });
    expect(service.asked).toEqual([]);
  });

  it('expires with its run, and the other runs’ stay valid', async () => {
    const service = await startService();
    const { issue, call } = await startProxy({ ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: service.url });
    const first = await issue('claude', 'run-1');
    const second = await issue('claude', 'run-2');
    await first.release();
    await first.release();
    const ask = (token: string, at: RunCredentials) =>
      call({ path: '/v1/messages', headers: { 'x-api-key': token }, body: '{}', at });
    await expect(ask(first.token, first)).rejects.toThrow(/ENOENT/);
    expect((await ask(first.token, second)).status).toBe(401);
    expect((await ask(second.token, second)).status).toBe(200);
  });

  it('is accepted at its own run’s socket alone', async () => {
    const service = await startService();
    const { issue, call } = await startProxy({ ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: service.url });
    const first = await issue('claude', 'run-1');
    const second = await issue('claude', 'run-2');
    const headers = { 'x-api-key': second.token };
    expect((await call({ path: '/v1/messages', headers, at: first })).status).toBe(401);
    expect(service.asked).toEqual([]);
  });

  it('works for its provider alone, and for known, plainly written paths', async () => {
    const service = await startService();
    const { issue, call } = await startProxy({ ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: service.url });
    const { token } = await issue('claude');
    const strangers = [
      ['GET', '/v1/messages'],
      ['POST', '/v1/responses'],
      ['POST', '/v1/chat/completions'],
      ['POST', '/v1/files'],
      ['GET', '/v1/organizations/me'],
      ['GET', '/v1/models/..'],
      ['GET', '/v1/models/a/b'],
      ['POST', '/v1/messages/'],
      ['POST', '/v1/messages/../files'],
      ['POST', '/v1/%6dessages'],
      ['POST', '//example.com/v1/messages'],
      ['POST', 'http://example.com/v1/messages'],
      ['DELETE', '/v1/models/x'],
    ] as const;
    for (const [method, path] of strangers) {
      const reply = await call({ method, path, headers: { 'x-api-key': token } });
      expect([method, path, reply.status]).toEqual([method, path, 404]);
    }
    expect(service.asked).toEqual([]);
    for (const path of ['/v1/models?limit=1', '/v1/models/claude-x.1']) {
      expect((await call({ method: 'GET', path, headers: { 'x-api-key': token } })).status).toBe(200);
    }
  });
});

describe('the service’s address', () => {
  it.each([
    ['claude', '/v1/messages', 'ANTHROPIC_BASE_URL', '', '/v1/messages'],
    [
      'claude',
      '/v1/messages?beta=true',
      'ANTHROPIC_BASE_URL',
      '/anthropic/',
      '/anthropic/v1/messages?beta=true',
    ],
    ['codex', '/v1/responses', 'OPENAI_BASE_URL', '/v1', '/v1/responses'],
    [
      'codex',
      '/v1/responses?x=1',
      'OPENAI_BASE_URL',
      '/openai/v1?api-version=2',
      '/openai/v1/responses?api-version=2&x=1',
    ],
    ['kimi', '/v1/chat/completions', 'KIMI_BASE_URL', '/v1/', '/v1/chat/completions'],
    ['kimi', '/coding/v1/chat/completions', 'KIMI_BASE_URL', '/coding/v1', '/coding/v1/chat/completions'],
  ] as const)(
    'the address for %s sends %s, from %s with "%s", to %s',
    async (provider, path, variable, suffix, asked) => {
      const service = await startService();
      const key = { claude: 'ANTHROPIC_API_KEY', codex: 'CODEX_API_KEY', kimi: 'KIMI_API_KEY' }[provider];
      const { issue, call } = await startProxy({ [key]: CANARY, [variable]: service.url + suffix });
      const { token } = await issue(provider);
      await call({ path, headers: { authorization: `Bearer ${token}` }, body: '{}' });
      expect(service.asked.map((one) => one.path)).toEqual([asked]);
    },
  );

  it('is reported to the operator, not to the agent, when it becomes invalid in the middle of a run', async () => {
    let address = 'http://127.0.0.1:1';
    const { issue, call, logged } = await startProxy(() => ({
      ANTHROPIC_API_KEY: CANARY,
      ANTHROPIC_BASE_URL: address,
    }));
    const { token } = await issue('claude');
    address = 'not an address';
    const reply = await call({ path: '/v1/messages', headers: { 'x-api-key': token }, body: '{}' });
    expect(reply.status).toBe(502);
    expect(logged()).toContain('ANTHROPIC_BASE_URL is no http or https address');
  });

  it('fails only the request when its settings cannot be read', async () => {
    const service = await startService();
    let broken = false;
    const { issue, call, logged } = await startProxy(() => {
      if (broken) throw new Error('.env cannot be read');
      return { ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: service.url };
    });
    const { token } = await issue('claude');
    broken = true;
    const ask = { path: '/v1/messages', headers: { 'x-api-key': token }, body: '{}' };
    expect((await call(ask)).status).toBe(502);
    expect(logged()).toContain('.env cannot be read');
    broken = false;
    expect((await call(ask)).status).toBe(200);
  });
});

describe('the proxy', () => {
  it('removes the sockets of a dead one, and leaves none behind', async () => {
    const directory = temporaryDirectory();
    await mkdir(join(directory, '1'));
    await writeFile(join(directory, '1', 'proxy.sock'), '');
    const { proxy, issue, call } = await startProxy(
      { KIMI_API_KEY: CANARY },
      { place: { kind: 'unix', directory, owner: undefined } },
    );
    await Promise.all([proxy.start(), proxy.start()]);
    const run = await issue('kimi');
    expect((await stat(socketOf(run))).mode & 0o777).toBe(0o600);
    expect((await call({ path: '/' })).status).toBe(401);
    await run.release();
    expect(await readdir(directory)).toEqual([]);
    await issue('kimi');
    await Promise.all([proxy.stop(), proxy.stop()]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('removes its directory when nothing else is in it', async () => {
    const temporary = temporaryDirectory();
    const hostUid = process.getuid?.() ?? 0;
    const socket = {
      ...{ installId: 'x', owner: undefined, hostUid },
      ...{ runtimeDirectory: undefined, temporaryDirectory: temporary },
    };
    const start = async () => {
      const place = await makeProxyPlace({ kind: 'bubblewrap', platform: 'linux' }, socket);
      const proxy = new KeyProxy({
        place,
        readVariables: () => ({}),
        onUsage: () => undefined,
        log: silentLog,
      });
      await proxy.start();
      return proxy;
    };
    const first = await start();
    await writeFile(join(temporary, `nanoclaw-x-${hostUid}`, 'other.sock'), '');
    await first.stop();
    expect(await readdir(join(temporary, `nanoclaw-x-${hostUid}`))).toEqual(['other.sock']);
    await rm(join(temporary, `nanoclaw-x-${hostUid}`, 'other.sock'));
    await (await start()).stop();
    expect(await readdir(temporary)).toEqual([]);
  });

  it('can be stopped without having been started, and with requests under way', async () => {
    const idle = new KeyProxy({
      place: { kind: 'tcp', bind: '127.0.0.1', host: 'localhost' },
      readVariables: () => ({}),
      onUsage: () => undefined,
      log: silentLog,
    });
    await idle.stop();
    const service = await startService((_request, response) => response.flushHeaders());
    const busy = await startProxy({ KIMI_API_KEY: CANARY, KIMI_BASE_URL: `${service.url}/v1` });
    const { token } = await busy.issue('kimi');
    const answer = await busy.open({
      path: '/v1/chat/completions',
      headers: { authorization: `Bearer ${token}` },
    });
    const broken = new Promise((resolve) => answer.once('error', resolve));
    await busy.proxy.stop();
    expect(await broken).toMatchObject({ code: 'ECONNRESET' });
  });

  it('listens on TCP where sockets do not cross, at the one configured address', async () => {
    const service = await startService(JSON_ANSWER);
    const { issue } = await startProxy(
      { ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: service.url },
      { place: { kind: 'tcp', bind: '127.0.0.1', host: 'host.example' } },
    );
    const { env, mounts, token } = await issue('claude');
    expect(mounts).toEqual([]);
    const { hostname, port } = new URL(env.NANOCLAW_PROXY ?? '');
    expect(hostname).toBe('host.example');
    const ask = (address: string, key: string) =>
      fetch(`http://${address}:${port}/v1/messages`, {
        method: 'POST',
        headers: { 'x-api-key': key },
        body: '{}',
      });
    expect((await ask('127.0.0.1', token)).status).toBe(200);
    expect((await ask('127.0.0.1', CANARY)).status).toBe(401);
    await expect(ask('127.0.0.2', token)).rejects.toThrow(/fetch failed/);
  });

  it('starts before the address exists, and answers a run as soon as it does', async () => {
    const service = await startService(JSON_ANSWER);
    let hasCome = false;
    const place = { kind: 'tcp', bind: '127.0.0.2', host: '127.0.0.2', isThere: () => hasCome } as const;
    const keys = { ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: service.url };
    const { issue } = await startProxy(keys, { place });
    const runs = [await issue('claude', 'run-1'), await issue('claude', 'run-2')];
    const ask = async (run = runs[0]) => {
      const headers = { 'x-api-key': run?.token ?? '' };
      const url = `${run?.env.NANOCLAW_PROXY}/v1/messages`;
      return (await fetch(url, { method: 'POST', headers, body: '{}' })).status;
    };
    await expect(ask()).rejects.toThrow(/fetch failed/);
    hasCome = true;
    await expect.poll(() => ask(runs[0]).catch(() => 0)).toBe(200);
    await expect.poll(() => ask(runs[1]).catch(() => 0)).toBe(200);
    await runs[0]?.release();
    await expect(ask(runs[0])).rejects.toThrow(/fetch failed/);
    expect(await ask(runs[1])).toBe(200);
  });

  it('keeps waiting when the address is gone again before it was bound, and stops at once', async () => {
    const isThere = vi.fn(() => true);
    const place = { kind: 'tcp', bind: '192.0.2.1', host: '192.0.2.1', isThere } as const;
    const { issue, proxy } = await startProxy({ ANTHROPIC_API_KEY: CANARY }, { place });
    const { env, release } = await issue('claude');
    expect(env.NANOCLAW_PROXY).toMatch(/^http:\/\/192\.0\.2\.1:\d+$/);
    await expect.poll(() => isThere.mock.calls.length).toBeGreaterThan(1);
    await release();
    await proxy.stop();
  });

  it('names the fix when it cannot listen', async () => {
    const elsewhere = new KeyProxy({
      place: { kind: 'tcp', bind: '192.0.2.1', host: '192.0.2.1' },
      readVariables: () => ({}),
      onUsage: () => undefined,
      log: silentLog,
    });
    await expect(elsewhere.start()).rejects.toThrow(ProxyListenError);
    await expect(elsewhere.start()).rejects.toThrow(/192\.0\.2\.1:0 .*CREDENTIALS=mount/);
    await elsewhere.stop();
  });
});
