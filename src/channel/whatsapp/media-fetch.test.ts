import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getMediaKeys } from '@whiskeysockets/baileys';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import type { FetchOutcome } from '../channel.ts';
import { fetchMedia, type MediaPorts, mediaUrl } from './media-fetch.ts';
import { encodeMediaReference, type MediaReference } from './media-reference.ts';

const KEY = { remoteJid: 'family@g.us', id: 'A', fromMe: false };
const SERVER = 'ws://127.0.0.1:1/ws/chat';

/** A file as WhatsApp's servers hold it, and what a message says of it. */
async function sealed(plain: Buffer, type: 'image' | 'audio' = 'image') {
  const mediaKey = randomBytes(32);
  const { cipherKey, iv, macKey } = await getMediaKeys(mediaKey, type);
  const cipher = createCipheriv('aes-256-cbc', cipherKey, iv);
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  const mac = createHmac('sha256', macKey!).update(iv).update(body).digest().subarray(0, 10);
  const encrypted = Buffer.concat([body, mac]);
  const sha = (data: Buffer): Buffer => createHash('sha256').update(data).digest();
  const content: MediaReference = {
    type,
    key: KEY,
    directPath: '/v/t62.7118-24/a.enc?ccb=11-4&oh=01',
    mediaKey,
    fileSha256: sha(plain),
    fileEncSha256: sha(encrypted),
    fileLength: plain.length,
    mimetype: 'image/png',
  };
  return { encrypted, content };
}

type Sealed = Awaited<ReturnType<typeof sealed>>;

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function rig(found: Sealed, listener: RequestListener, ports: Partial<MediaPorts> = {}) {
  const origin = await serve(listener);
  const directory = temporaryDirectory();
  const file = join(directory, 'new');
  const asked: string[] = [];
  const abort = new AbortController();
  const run = (change: Partial<MediaReference> = {}, maxBytes = 1_000_000): Promise<FetchOutcome> =>
    fetchMedia(
      {
        reference: encodeMediaReference({ ...found.content, url: `${origin}/elsewhere`, ...change }),
        file,
        maxBytes,
        signal: abort.signal,
      },
      {
        serverUrl: SERVER,
        reupload: async ({ key }) => {
          asked.push(key.id);
          return undefined;
        },
        ...ports,
      },
    );
  return { run, file, abort, asked, left: () => readdir(directory) };
}

const gives =
  (body: Buffer): RequestListener =>
  (_, response) =>
    void response.end(body);

describe('the download of a file', () => {
  it.each([0, 1, 16, 100_000])('decrypts and checks a file of %i bytes', async (size) => {
    const plain = randomBytes(size);
    const found = await sealed(plain);
    const paths: (string | undefined)[] = [];
    const { run, file } = await rig(found, (request, response) => {
      paths.push(request.url);
      response.end(found.encrypted);
    });
    expect(await run()).toEqual({ kind: 'fetched', bytes: size });
    expect((await readFile(file)).equals(plain)).toBe(true);
    expect((await stat(file)).mode & 0o777).toBe(0o644);
    expect(paths).toEqual([found.content.directPath]);
  });

  it('decrypts a file that arrives in small pieces', async () => {
    const plain = randomBytes(100);
    const found = await sealed(plain, 'audio');
    const { run, file } = await rig(found, async (_, response) => {
      for (const byte of found.encrypted) {
        response.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    expect(await run()).toEqual({ kind: 'fetched', bytes: 100 });
    expect(await readFile(file)).toEqual(plain);
  });

  it('leaves nothing of a file that is cut off, changed, or not the one that the message names', async () => {
    const found = await sealed(randomBytes(1_000));
    const cut = await rig(found, gives(found.encrypted.subarray(0, 600)));
    expect(await cut.run()).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/cut off/) });
    expect(await cut.left()).toEqual([]);
    const changed = Buffer.from(found.encrypted);
    changed[20] = (changed[20] ?? 0) ^ 1;
    const other = await rig(found, gives(changed));
    expect(await other.run()).toMatchObject({ kind: 'failed' });
    const wrong = await rig(found, gives(found.encrypted));
    expect(await wrong.run({ fileSha256: randomBytes(32) })).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/hash/),
    });
    expect([...(await other.left()), ...(await wrong.left())]).toEqual([]);
    const empty = await rig(found, gives(Buffer.alloc(0)));
    expect(await empty.run()).toMatchObject({ kind: 'failed' });
  });

  it('stops at the size limit, whatever the message claims', async () => {
    const found = await sealed(randomBytes(5_000));
    const honest = await rig(found, gives(found.encrypted));
    expect(await honest.run({}, 4_999)).toEqual({ kind: 'too_large' });
    const liar = await rig(found, gives(found.encrypted));
    expect(await liar.run({ fileLength: 10 }, 4_999)).toEqual({ kind: 'too_large' });
    expect(await liar.left()).toEqual([]);
    let sent = 0;
    const endless = await rig(found, (_, response) => {
      const more = (): void => {
        if (response.destroyed) return;
        sent += 65_536;
        response.write(Buffer.alloc(65_536), more);
      };
      more();
    });
    expect(await endless.run({ fileLength: 10 })).toEqual({ kind: 'too_large' });
    expect(sent).toBeLessThan(20_000_000);
  });

  it('never overwrites an existing file', async () => {
    const found = await sealed(randomBytes(10));
    const { run, file } = await rig(found, gives(found.encrypted));
    await writeFile(file, 'mine');
    expect(await run()).toMatchObject({ kind: 'failed' });
    expect(await readFile(file, 'utf8')).toBe('mine');
  });

  it('gives up when nothing arrives, when it takes too long and when it is aborted', async () => {
    const found = await sealed(randomBytes(10));
    const stalls: RequestListener = (_, response) => void response.write(found.encrypted.subarray(0, 3));
    const idle = await rig(found, stalls, { idleMs: 50 });
    expect(await idle.run()).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/nothing came/) });
    const slow = await rig(found, stalls, { overallMs: 50 });
    expect(await slow.run()).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/too long/) });
    const told = await rig(found, (request, response) => {
      stalls(request, response);
      told.abort.abort();
    });
    expect(await told.run()).toEqual({ kind: 'failed', reason: 'stopped' });
    expect([...(await idle.left()), ...(await slow.left()), ...(await told.left())]).toEqual([]);
  });

  it('says that the disk is full, and leaves nothing', async () => {
    const found = await sealed(randomBytes(10));
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const { run, left } = await rig(found, gives(found.encrypted), {
      openFile: async (...args) => {
        const handle = await open(...args);
        handle.writeFile = async () => {
          throw full;
        };
        return handle;
      },
    });
    expect(await run()).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/ENOSPC/) });
    expect(await left()).toEqual([]);
  });

  it('follows no redirect', async () => {
    const found = await sealed(randomBytes(10));
    let elsewhere = 0;
    const other = await serve((_, response) => {
      elsewhere++;
      response.end(found.encrypted);
    });
    const { run } = await rig(found, (_, response) => {
      response.writeHead(302, { location: `${other}/x` }).end();
    });
    expect(await run()).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/302/) });
    expect(elsewhere).toBe(0);
  });

  it.each([403, 404, 410])(
    'asks the phone to upload a file again when the server answers %i',
    async (status) => {
      const found = await sealed(randomBytes(10));
      const listener: RequestListener = (request, response) => {
        if (request.url === '/new/place') response.end(found.encrypted);
        else response.writeHead(status).end();
      };
      const { run } = await rig(found, listener, { reupload: async () => '/new/place' });
      expect(await run()).toEqual({ kind: 'fetched', bytes: 10 });
    },
  );

  it('asks the phone once to upload a file that the server has lost, and fetches it from its new place', async () => {
    const found = await sealed(randomBytes(10));
    const listener: RequestListener = (request, response) => {
      if (request.url === '/new/place') response.end(found.encrypted);
      else response.writeHead(410).end();
    };
    const { run } = await rig(found, listener, { reupload: async () => '/new/place' });
    expect(await run()).toEqual({ kind: 'fetched', bytes: 10 });
    const inVain = await rig(found, listener, { reupload: async () => '/nowhere' });
    expect(await inVain.run()).toMatchObject({ kind: 'gone' });
    const refused = await rig(found, listener, {
      reupload: async () => {
        throw new Error('deleted on the phone');
      },
    });
    expect(await refused.run()).toMatchObject({ kind: 'gone', reason: expect.stringMatching(/deleted on/) });
    const away = await rig(found, listener);
    expect(await away.run()).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/cannot be asked/),
    });
    expect(away.asked).toEqual(['A']);
  });

  it('says so when the reference holds too little', async () => {
    const found = await sealed(randomBytes(10));
    const { run } = await rig(found, gives(found.encrypted));
    expect(await run({ directPath: undefined })).toMatchObject({ kind: 'gone' });
  });
});

describe('the place of a file', () => {
  const place = async (directPath: string, url?: string, server?: string): Promise<string | undefined> => {
    const { content } = await sealed(Buffer.alloc(1));
    return mediaUrl({ ...content, directPath, url }, server)?.href;
  };

  it('is a path on WhatsApp’s server, whatever host the sender names', async () => {
    expect(await place('/v/a?x=1', 'https://evil.example/v/a')).toBe('https://mmg.whatsapp.net/v/a?x=1');
    expect(await place('/v/a', 'http://127.0.0.1:8080/')).toBe('https://mmg.whatsapp.net/v/a');
  });

  it.each([
    '//evil.example/a',
    '/\\evil.example/a',
    'https://evil.example/a',
    '@evil.example/a',
    'a',
    '/\t/evil.example/a',
  ])('is refused for a path like %j', async (directPath) => {
    expect(await place(directPath)).toBeUndefined();
  });

  it('is on this machine when the server is', async () => {
    expect(await place('/v/a', 'https://127.0.0.1:8443/other', SERVER)).toBe('https://127.0.0.1:8443/v/a');
    expect(await place('/v/a', 'https://evil.example/other', SERVER)).toBeUndefined();
    expect(await place('/v/a', undefined, SERVER)).toBeUndefined();
  });
});
