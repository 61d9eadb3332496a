import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { CommandTranscriber } from './command-transcriber.ts';
import { ServiceTranscriber } from './service-transcriber.ts';

const never = new AbortController().signal;

function note(): string {
  const file = join(temporaryDirectory(), 'a note.ogg');
  writeFileSync(file, 'OggS of a kind');
  return file;
}

function program(script: string, timeoutMs = 10_000): CommandTranscriber {
  const path = join(temporaryDirectory(), 'transcribe');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  const env = { PATH: process.env.PATH };
  return new CommandTranscriber({ command: [path, '--language', 'de;id'], timeoutMs, env, spawn });
}

/** A dead process that nobody has waited for is at work no more. */
function isAtWork(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a program that transcribes', () => {
  it('gets its arguments and the file unchanged, and its output is the text', async () => {
    const file = note();
    expect(await program('printf "%s|" "$@"').transcribe(file, never)).toBe(`--language|de;id|${file}|`);
  });

  it('sees none of the host’s keys', async () => {
    process.env.TRANSCRIBE_API_KEY = 'sk-secret';
    onTestFinished(() => void delete process.env.TRANSCRIBE_API_KEY);
    expect(await program('env').transcribe(note(), never)).not.toContain('sk-secret');
  });

  it.each([
    ['fails', 'echo "no model" >&2; exit 3', /exited with code 3: no model/],
    ['says nothing', 'echo', /found no words/],
  ])('a program that %s is an error', async (_, script, reason) => {
    await expect(program(script).transcribe(note(), never)).rejects.toThrow(reason);
  });

  it('a program that hangs is ended', async () => {
    await expect(program('exec sleep 60', 100).transcribe(note(), never)).rejects.toThrow(/was ended/);
  });

  it('a hanging process that the program started is ended with it', async () => {
    const pidFile = join(temporaryDirectory(), 'pid');
    const hanging = program(`sleep 60 & echo $! > '${pidFile}'; wait`, 2_000);
    await expect(hanging.transcribe(note(), never)).rejects.toThrow(/was ended/);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await vi.waitFor(() => expect(isAtWork(pid)).toBe(false));
  });

  it('a process that the program started does not delay the stop of the host', async () => {
    const abort = new AbortController();
    const pidFile = join(temporaryDirectory(), 'pid');
    const words = program(`sleep 60 & echo $! > '${pidFile}'; wait`).transcribe(note(), abort.signal);
    const ended = expect(words).rejects.toThrow();
    await vi.waitFor(() => expect(readFileSync(pidFile, 'utf8')).not.toBe(''));
    abort.abort();
    await ended;
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await vi.waitFor(() => expect(isAtWork(pid)).toBe(false));
  });

  it('a program that does not exist is an error', async () => {
    const missing = new CommandTranscriber({
      command: ['/no/such/program'],
      timeoutMs: 1_000,
      env: {},
      spawn,
    });
    await expect(missing.transcribe(note(), never)).rejects.toThrow(/ENOENT/);
  });

  it('a program that floods its output is read to the end, and the text is cut', async () => {
    const text = await program('yes talk | head -c 3000000').transcribe(note(), never);
    expect(text.length).toBeLessThanOrEqual(20_000);
  });
});

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
