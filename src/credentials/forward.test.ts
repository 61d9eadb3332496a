import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { mintCertificate } from '../../simulator/media/certificate.ts';
import type { KeyProxyOptions } from './key-proxy.ts';
import { CANARY, startProxy, type TestProxy } from './testing/proxy.ts';
import { JSON_ANSWER, listen, startService } from './testing/service.ts';

const EVENTS = { 'content-type': 'text/event-stream' };

/** A proxy before a service at that address, and the token of a run of Claude's. */
async function proxyTo(
  url: string,
  options: Partial<KeyProxyOptions> = {},
): Promise<TestProxy & { readonly token: string; readonly headers: { readonly 'x-api-key': string } }> {
  const proxy = await startProxy({ ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: url }, options);
  const { token } = await proxy.issue('claude');
  return { ...proxy, token, headers: { 'x-api-key': token } };
}

/** A service whose exchanges the test holds in its own hands; bodies are not read for it. */
async function startSlowService(): Promise<{
  readonly url: string;
  next(): Promise<{ readonly request: IncomingMessage; readonly response: ServerResponse }>;
}> {
  const server = createServer();
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    next: async () => {
      const [request, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
      return { request, response };
    },
  };
}

/** Listens on loopback until the test has ended. @returns the port */
async function listenByTcp(server: TcpServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('an answer through the proxy', () => {
  it('is passed on piece by piece: each has arrived before the service sends the next', async () => {
    const service = await startSlowService();
    const { open, headers } = await proxyTo(service.url);
    const opening = open({ path: '/v1/messages', headers, body: '{}' });
    const { response } = await service.next();
    response.writeHead(200, EVENTS).flushHeaders();
    const answer = await opening;
    expect(answer.headers['content-type']).toBe('text/event-stream');
    for (const piece of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      response.write(piece);
      const [arrived] = (await once(answer, 'data')) as [Buffer];
      expect(arrived.toString()).toBe(piece);
    }
    response.end();
    await once(answer, 'end');
  });

  it('waits for a client that does not read, and buffers little of it', async () => {
    const service = await startSlowService();
    const { open, headers } = await proxyTo(service.url);
    const opening = open({ path: '/v1/messages', headers, body: '{}' });
    const { response } = await service.next();
    response.writeHead(200, EVENTS);
    const piece = Buffer.alloc(256 * 1024, 'x');
    let sent = 0;
    while (response.write(piece)) sent += piece.length;
    const answer = await opening;
    // Both ends live in this process: what can still flow does so within some turns of its event loop.
    while (sent < 64 * 1024 * 1024) {
      for (let turn = 0; turn < 100 && response.writableNeedDrain; turn += 1) await nextTurn();
      if (response.writableNeedDrain) break;
      response.write(piece);
      sent += piece.length;
    }
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    answer.destroy();
  });

  it('ends as a broken one for the client when the service breaks it off', async () => {
    const service = await startSlowService();
    const { open, headers, logged } = await proxyTo(service.url);
    const opening = open({ path: '/v1/messages', headers, body: '{}' });
    const { response } = await service.next();
    response.writeHead(200, EVENTS).write('data: 1\n\n');
    const answer = await opening;
    const broken = once(answer, 'error');
    answer.resume();
    response.destroy();
    expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(logged()).toContain('Model service cannot be reached');
  });

  it('is passed on with its error status and headers, and a huge one is cut', async () => {
    const service = await startService((_request, response) => {
      response.writeHead(429, { 'retry-after': '7', 'request-id': 'r1' });
      response.end(Buffer.alloc(1024 * 1024, 'e'));
    });
    const { call, headers } = await proxyTo(service.url);
    const reply = await call({ path: '/v1/messages', headers, body: '{}' });
    expect(reply).toMatchObject({ status: 429, headers: { 'retry-after': '7', 'request-id': 'r1' } });
    expect(reply.body).toBe('e'.repeat(256 * 1024));
  });

  it.each([
    [429, '30', { error: { message: 'später' } }, { error: { message: 'später (retry-after: 30)' } }],
    [429, undefined, { error: { message: 'later' } }, { error: { message: 'later' } }],
    [429, '30', { detail: 'later' }, { detail: 'later' }],
    [429, '30', null, null],
    [400, '30', { error: { message: 'never' } }, { error: { message: 'never' } }],
  ])(
    'says in the words of an error %i with the header %s when to ask again',
    async (status, seconds, body, said) => {
      const service = await startService((_, response) => {
        response.writeHead(status, seconds === undefined ? {} : { 'retry-after': seconds });
        response.end(JSON.stringify(body));
      });
      const { open, headers } = await proxyTo(service.url);
      const answer = await open({ path: '/v1/messages', headers, body: '{}' });
      const pieces: Buffer[] = [];
      for await (const piece of answer) pieces.push(piece as Buffer);
      expect(JSON.parse(Buffer.concat(pieces).toString())).toEqual(said);
    },
  );

  it('is not followed when it redirects elsewhere', async () => {
    const elsewhere = await startService();
    const service = await startService((_request, response) => {
      response.writeHead(307, { location: `${elsewhere.url}/v1/messages` }).end();
    });
    const { call, headers } = await proxyTo(service.url);
    const reply = await call({ path: '/v1/messages', headers, body: '{}' });
    expect(reply.status).toBe(502);
    expect(reply.headers.location).toBeUndefined();
    expect(elsewhere.asked).toEqual([]);
  });
});

describe('a request through the proxy', () => {
  it('keeps its own headers, and loses those of its connection and other credentials', async () => {
    const service = await startService();
    const { call, headers } = await proxyTo(service.url);
    await call({
      path: '/v1/messages',
      body: '{}',
      headers: {
        ...headers,
        'anthropic-version': '2023-06-01',
        'idempotency-key': 'i1',
        'user-agent': 'agent/1',
        'accept-encoding': 'gzip, br',
        connection: 'x-private, close',
        'x-private': 'p',
        cookie: 'c',
        'proxy-authorization': 'Basic x',
        'x-goog-api-key': 'g',
        'x-auth-token': 't',
        te: 'trailers',
      },
    });
    const sent = service.asked[0]?.headers ?? {};
    expect(sent).toMatchObject({
      'anthropic-version': '2023-06-01',
      'idempotency-key': 'i1',
      'user-agent': 'agent/1',
      'accept-encoding': 'identity',
      'x-api-key': CANARY,
      host: service.url.slice('http://'.length),
    });
    for (const name of [
      'x-private',
      'cookie',
      'proxy-authorization',
      'x-goog-api-key',
      'x-auth-token',
      'te',
    ]) {
      expect(sent).not.toHaveProperty(name);
    }
  });

  it('is passed on while it still arrives', async () => {
    const service = await startSlowService();
    const { begin, headers } = await proxyTo(service.url);
    const outgoing = begin({ path: '/v1/messages', headers });
    outgoing.write('first ');
    const { request: arrived, response } = await service.next();
    const [piece] = (await once(arrived, 'data')) as [Buffer];
    expect(piece.toString()).toBe('first ');
    outgoing.end('second');
    const [rest] = (await once(arrived, 'data')) as [Buffer];
    expect(rest.toString()).toBe('second');
    response.end();
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    answer.resume();
    await once(answer, 'end');
  });

  it.each(['before', 'after'] as const)(
    'a request whose client disconnects %s the answer began ends at the service too',
    async (when) => {
      const service = await startSlowService();
      const { open, headers, logged } = await proxyTo(service.url);
      const leaving = new AbortController();
      const opening = open({ path: '/v1/messages', headers, body: '{}', signal: leaving.signal });
      const { response } = await service.next();
      const gone = once(response, 'close');
      if (when === 'after') {
        response.writeHead(200, EVENTS).flushHeaders();
        const answer = await opening;
        answer.on('error', () => undefined);
        leaving.abort();
      } else {
        leaving.abort();
        await expect(opening).rejects.toThrow(/abort/);
      }
      await gone;
      expect(response.writableFinished).toBe(false);
      expect(logged()).not.toContain('cannot be reached');
    },
  );

  it('ends when its run does', async () => {
    const service = await startSlowService();
    const proxy = await startProxy({ ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: service.url });
    const { token, release } = await proxy.issue('claude');
    const opening = proxy.open({ path: '/v1/messages', headers: { 'x-api-key': token }, body: '{}' });
    const { response } = await service.next();
    response.writeHead(200, EVENTS).flushHeaders();
    const answer = await opening;
    const broken = once(answer, 'error');
    answer.resume();
    await release();
    expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(proxy.logged()).not.toContain('cannot be reached');
  });

  it('is refused when it is over the size limit, announced or not', async () => {
    const service = await startService();
    const { call, headers, begin } = await proxyTo(service.url, { maxBodyBytes: 1000 });
    const announced = await call({ path: '/v1/messages', headers, body: 'x'.repeat(1001) });
    expect(announced.status).toBe(413);
    const outgoing = begin({ path: '/v1/messages', headers });
    outgoing.write('x'.repeat(600));
    outgoing.write('x'.repeat(600));
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(413);
    answer.resume();
    await once(answer, 'end');
    outgoing.destroy();
    expect(service.asked).toEqual([]);
    expect((await call({ path: '/v1/messages', headers, body: 'x'.repeat(1000) })).status).toBe(200);
  });

  it('is refused with too many headers, and the next one is served', async () => {
    const service = await startService();
    const { call, headers } = await proxyTo(service.url);
    const reply = await call({ path: '/v1/messages', headers: { ...headers, 'x-long': 'x'.repeat(70_000) } });
    expect(reply.status).toBe(431);
    expect((await call({ path: '/v1/messages', headers, body: '{}' })).status).toBe(200);
  });

  it('is refused when its run has too many at once, and another run is served', async () => {
    const service = await startSlowService();
    const proxy = await proxyTo(service.url);
    const run = await proxy.issue('claude', 'run-1');
    const ask = ({ token, ...at }: typeof run) =>
      proxy.open({ path: '/v1/messages', headers: { 'x-api-key': token }, body: '{}', at });
    const waiting = Array.from({ length: 64 }, () => ask(run));
    const held: ServerResponse[] = [];
    for (const _ of waiting) held.push((await service.next()).response);
    const refused = await ask(run);
    expect(refused.statusCode).toBe(429);
    refused.resume();
    const other = ask(await proxy.issue('claude', 'run-2'));
    (await service.next()).response.end();
    const answer = await other;
    expect(answer.statusCode).toBe(200);
    answer.resume();
    for (const response of held) response.end();
    for (const one of await Promise.all(waiting)) one.resume();
    const again = ask(run);
    (await service.next()).response.end();
    expect((await again).statusCode).toBe(200);
  });
});

describe('a service that cannot be reached', () => {
  it.each([
    ['claude', 'ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', '/v1/messages'],
    ['codex', 'CODEX_API_KEY', 'OPENAI_BASE_URL', '/v1/responses'],
    ['kimi', 'KIMI_API_KEY', 'KIMI_BASE_URL', '/v1/chat/completions'],
  ] as const)(
    'is reported to %s in its service’s own form, and to the operator once',
    async (provider, key, variable, path) => {
      const { issue, call, logged } = await startProxy({
        [key]: CANARY,
        [variable]: 'http://127.0.0.1:1/v1',
      });
      const { token } = await issue(provider);
      const ask = { path, headers: { authorization: `Bearer ${token}` }, body: '{}' };
      const reply = await call(ask);
      await call(ask);
      expect(reply.status).toBe(502);
      const message = expect.stringMatching(/^nanoclaw_unreachable: .*ECONNREFUSED/);
      expect(JSON.parse(reply.body)).toMatchObject(
        provider === 'claude'
          ? { type: 'error', error: { type: 'api_error', message } }
          : { error: { message, type: 'api_error', code: 'nanoclaw_unreachable' } },
      );
      const warnings = logged()
        .split('\n')
        .filter((line) => line.includes('"level":40'));
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain('127.0.0.1:1');
    },
  );

  it('is not used when its certificate is unknown', async () => {
    const { privateKey, certificate } = await mintCertificate();
    const service = await startService(JSON_ANSWER, { key: privateKey, cert: certificate });
    const { call, headers } = await proxyTo(service.url);
    const reply = await call({ path: '/v1/messages', headers, body: '{}' });
    expect(reply.status).toBe(502);
    expect(reply.body).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY/);
    expect(service.asked).toEqual([]);
  });

  it('is given up when it hangs in its handshake', async () => {
    const port = await listenByTcp(createTcpServer());
    const { call, headers } = await proxyTo(`https://127.0.0.1:${port}`, { connectTimeoutMs: 50 });
    const reply = await call({ path: '/v1/messages', headers, body: '{}' });
    expect(reply).toMatchObject({ status: 502, body: expect.stringContaining('ETIMEDOUT') });
  });
});

it('a service with a certificate is called by TLS, twice over one connection', async () => {
  const { authority, privateKey, certificate } = await mintCertificate();
  const ports = new Set<number | undefined>();
  const service = await startService(
    (request, response) => {
      ports.add(request.socket.remotePort);
      JSON_ANSWER(request, response);
    },
    { key: privateKey, cert: certificate },
  );
  const { call, headers } = await proxyTo(service.url, { ca: authority });
  for (let n = 0; n < 2; n += 1) {
    expect((await call({ path: '/v1/messages', headers, body: '{}' })).status).toBe(200);
  }
  expect(service.asked[1]?.headers['x-api-key']).toBe(CANARY);
  expect(ports.size).toBe(1);
});

describe('a body where there should be none', () => {
  it.each([
    ['chunked', { 'transfer-encoding': 'chunked' }],
    ['with a length that is hidden', { 'content-length': '58', connection: 'keep-alive, content-length' }],
    ['with a length', { 'content-length': '58' }],
  ])('a body sent %s never reaches the service as a request of its own', async (_name, framing) => {
    const service = await startService();
    const { call, headers } = await proxyTo(service.url);
    const body = 'POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n \r\n';
    expect(body).toHaveLength(58);
    const asked = { method: 'GET', path: '/v1/models', headers: { ...headers, ...framing }, body };
    expect((await call(asked)).status).toBe(200);
    // Over the same connection, if it was kept.
    expect((await call({ path: '/v1/messages', headers, body: '{}' })).status).toBe(200);
    expect(service.asked.map(({ method, path, body: came }) => [method, path, came])).toEqual([
      ['GET', '/v1/models', ''],
      ['POST', '/v1/messages', '{}'],
    ]);
  });
});

it('an answer with an invalid status is an error, not the host’s end', async () => {
  const server = createTcpServer((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 099 Strange\r\ncontent-length: 0\r\n\r\n'));
  });
  const url = `http://127.0.0.1:${await listenByTcp(server)}`;
  const { call, headers } = await proxyTo(url);
  expect((await call({ path: '/v1/messages', headers, body: '{}' })).status).toBe(502);
});
