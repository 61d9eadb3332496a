import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { ServiceTranscriber } from './service-transcriber.ts';

const never = new AbortController().signal;

function note(): string {
  const file = join(temporaryDirectory(), 'a note.ogg');
  writeFileSync(file, 'OggS of a kind');
  return file;
}

describe('a service that transcribes', () => {
  async function serve(answer: (request: IncomingMessage, body: string, response: ServerResponse) => void) {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => answer(request, Buffer.concat(chunks).toString(), response));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`;
    return new ServiceTranscriber({ url, model: 'whisper-1', key: () => 'sk-secret', timeoutMs: 5_000 });
  }

  it('is called with OpenAI’s protocol and its key', async () => {
    const seen: { url?: string | undefined; key?: string | undefined; body?: string } = {};
    const service = await serve((request, body, response) => {
      Object.assign(seen, { url: request.url, key: request.headers.authorization, body });
      response.end(JSON.stringify({ text: ' Hello there. ' }));
    });
    expect(await service.transcribe(note(), never)).toBe('Hello there.');
    expect(seen).toMatchObject({ url: '/v1/audio/transcriptions', key: 'Bearer sk-secret' });
    expect(seen.body).toContain('name="model"\r\n\r\nwhisper-1');
    expect(seen.body).toContain('filename="a note.ogg"');
    expect(seen.body).toContain('OggS of a kind');
  });

  it.each([
    ['refuses', 401, '{"error":"bad key sk-secret"}', /answered 401$/],
    ['says nothing of use', 200, '{"words":1}', /without a text/],
    ['answers in words', 200, 'Meet me at nine', /answered without a text$/],
  ])('a service that %s is an error that names no key', async (_, status, body, reason) => {
    const service = await serve((_request, _body, response) => void response.writeHead(status).end(body));
    await expect(service.transcribe(note(), never)).rejects.toThrow(reason);
  });

  it('a service whose answer never ends is aborted', async () => {
    let sent = 0;
    const service = await serve((_request, _body, response) => {
      const more = (): void => {
        if (response.destroyed || sent > 64 * 1_048_576) return void response.end('"}');
        sent += 65_536;
        response.write('x'.repeat(65_536), more);
      };
      response.write('{"text":"');
      more();
    });
    await expect(service.transcribe(note(), never)).rejects.toThrow(/more than 1 MB/);
    expect(sent).toBeLessThan(64 * 1_048_576);
  });

  it('gets the key at its own address only', async () => {
    const service = await serve((_request, _body, response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end();
    });
    await expect(service.transcribe(note(), never)).rejects.toThrow();
  });
});
