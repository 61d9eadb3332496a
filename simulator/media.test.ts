import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { promisify } from 'node:util';
import { type AnyMessageContent, downloadMediaMessage, type WAMessage } from '@whiskeysockets/baileys';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './client/rig.ts';
import { trustMedia } from './client/trust-media.ts';
import type { SaidMedia } from './messages/saying.ts';
import type { ChatLine, Person } from './simulator.ts';

let rig: Rig;
let peter: Person;
let distrust: () => void;

beforeAll(async () => {
  distrust = trustMedia();
  rig = await startRig({ owner: { name: 'Maria' } });
  await rig.pairAndOpen();
  peter = rig.simulator.addPerson({ name: 'Peter' });
});

afterAll(async () => {
  await rig.close();
  distrust();
});

afterEach(() => {
  rig.simulator.faults.clear();
});

const DATA = randomBytes(10_000);

async function sent(media: SaidMedia): Promise<{ line: ChatLine; message: WAMessage }> {
  const line = await rig.simulator.say({ chat: peter.jid, as: peter, media });
  return { line, message: await rig.client.received(line.id) };
}

function fetched(message: WAMessage): Promise<Buffer> {
  return downloadMediaMessage(message, 'buffer', {});
}

const SAID: readonly [string, Omit<SaidMedia, 'data'>, string, object][] = [
  [
    'an image',
    { kind: 'image', caption: 'our cat' },
    'our cat',
    { imageMessage: { mimetype: 'image/jpeg', caption: 'our cat' } },
  ],
  ['a video', { kind: 'video', seconds: 3 }, '[video]', { videoMessage: { seconds: 3 } }],
  ['an audio file', { kind: 'audio' }, '[audio]', { audioMessage: { mimetype: 'audio/mp4' } }],
  ['a voice message', { kind: 'voice', seconds: 7 }, '[voice message]', { audioMessage: { ptt: true } }],
  [
    'a document',
    { kind: 'document', fileName: 'bill.pdf', mimeType: 'application/pdf' },
    '[document: bill.pdf]',
    { documentMessage: { fileName: 'bill.pdf', mimetype: 'application/pdf' } },
  ],
  ['a sticker', { kind: 'sticker' }, '[sticker]', { stickerMessage: { mimetype: 'image/webp' } }],
];

describe('a file from a phone', () => {
  it.each(SAID)('is downloaded by the client: %s', async (_what, media, text, content) => {
    const { line, message } = await sent({ ...media, data: DATA });
    expect(line).toMatchObject({ text, media: { ...media, bytes: DATA.length } });
    expect(message.message).toMatchObject(content);
    expect(await fetched(message)).toEqual(DATA);
    expect(rig.simulator.problems).toEqual([]);
  });

  it('names the media server in its URL and its direct path', async () => {
    const { message } = await sent({ kind: 'image', data: DATA });
    const { url, directPath } = message.message?.imageMessage ?? {};
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/v\//);
    expect(url?.endsWith(directPath ?? 'nothing')).toBe(true);
  });

  it.each([
    ['viewOnce', 'viewOnceMessage'],
    ['documentWithCaption', 'documentWithCaptionMessage'],
    ['ephemeral', 'ephemeralMessage'],
  ] as const)('may be wrapped as %s', async (wrap, outer) => {
    const kind = wrap === 'documentWithCaption' ? 'document' : 'image';
    const media = { kind, data: DATA, caption: 'packed' } as const;
    const line = await rig.simulator.say({ chat: peter.jid, as: peter, media, wrap });
    const message = await rig.client.received(line.id);
    expect(message.message?.[outer]).toBeTruthy();
    expect(await fetched(message)).toEqual(DATA);
  });

  it('keeps its file when its caption is edited', async () => {
    const { line } = await sent({ kind: 'image', caption: 'our cat', data: DATA });
    const edited = await rig.simulator.edit(line.id, 'our dog');
    expect(edited).toMatchObject({ text: 'our dog', media: { caption: 'our dog', data: DATA } });
    const { message } = await rig.client.changed(line.id);
    expect(message?.editedMessage?.message?.imageMessage?.caption).toBe('our dog');
  });

  it('mentions people in its caption', async () => {
    const media = { kind: 'image', caption: 'look @Peter', data: DATA } as const;
    const line = await rig.simulator.say({ chat: peter.jid, media, mentions: [peter] });
    expect(line).toMatchObject({ text: 'look @Peter', mentions: [peter.jid] });
    const { message } = await rig.client.received(line.id);
    expect(message?.imageMessage?.contextInfo?.mentionedJid).toEqual([peter.jid]);
  });
});

const SENT: readonly [string, AnyMessageContent, object][] = [
  ['an image', { image: DATA, caption: 'a chart' }, { text: 'a chart', media: { kind: 'image' } }],
  ['a video', { video: DATA }, { text: '[video]', media: { kind: 'video', mimeType: 'video/mp4' } }],
  ['an audio file', { audio: DATA, mimetype: 'audio/mp4' }, { text: '[audio]', media: { kind: 'audio' } }],
  ['a voice message', { audio: DATA, ptt: true, seconds: 4 }, { media: { kind: 'voice', seconds: 4 } }],
  [
    'a document',
    { document: DATA, fileName: 'plan.pdf', mimetype: 'application/pdf', caption: 'the plan' },
    { text: 'the plan', media: { kind: 'document', fileName: 'plan.pdf', mimeType: 'application/pdf' } },
  ],
  ['a sticker', { sticker: DATA }, { text: '[sticker]', media: { kind: 'sticker' } }],
];

describe('a file from the client', () => {
  it.each(SENT)('is seen on the phone: %s', async (_what, content, expected) => {
    const { simulator, client } = rig;
    const message = await client.socket.sendMessage(peter.jid, content);
    const line = await simulator.waitFor(({ id }) => id === message?.key.id);
    expect(line).toMatchObject(expected);
    expect(line.media?.bytes).toBe(DATA.length);
    expect(line.media?.data.equals(DATA)).toBe(true);
    expect(simulator.problems).toEqual([]);
  });

  it('answers a message, and is answered by one', async () => {
    const { simulator, client } = rig;
    const { line, message } = await sent({ kind: 'voice', data: DATA });
    await client.socket.sendMessage(peter.jid, { image: DATA, caption: 'here' }, { quoted: message });
    const answer = await simulator.waitFor(({ quotedId }) => quotedId === line.id);
    const back = await simulator.say({ chat: peter.jid, as: peter, text: 'thanks', quoted: answer.id });
    const context = (await client.received(back.id)).message?.extendedTextMessage?.contextInfo;
    expect(context?.quotedMessage?.imageMessage?.caption).toBe('here');
    expect(simulator.problems).toEqual([]);
  });

  it('is a problem and a message without a file when it does not match its hashes', async () => {
    const { simulator, client } = rig;
    const known = simulator.problems.length;
    const { message } = await sent({ kind: 'image', data: DATA });
    const image = { ...message.message?.imageMessage, fileSha256: randomBytes(32) };
    const id = await client.socket.relayMessage(peter.jid, { imageMessage: image }, { messageId: 'FORGED' });
    expect((await simulator.waitFor((line) => line.id === id)).media).toBeUndefined();
    expect(simulator.problems[known]?.detail).toMatch(/fileSha256/);
  });
});

describe('the media server', () => {
  let origin = '';

  function ask(method: string, path: string, body?: Buffer): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const asked = request(`${origin}${path}`, { method }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on('error', reject);
      asked.end(body);
    });
  }

  beforeAll(async () => {
    const { message } = await sent({ kind: 'image', data: DATA });
    origin = new URL(message.message?.imageMessage?.url ?? '').origin;
  });

  it.each([
    ['a file that was never there', 'GET', '/v/t62.7118-24/none.enc', 404],
    ['another method', 'PUT', '/mms/image/x', 405],
    ['an upload of an unknown kind', 'POST', '/mms/hologram/x', 404],
    ['an upload without authorization', 'POST', '/mms/image/x', 401],
  ])('refuses %s', async (_what, method, path, status) => {
    expect(await ask(method, path, method === 'POST' ? DATA : undefined)).toBe(status);
  });

  it('refuses an upload that does not match its name', async () => {
    const { auth } = await rig.client.socket.refreshMediaConn();
    expect(await ask('POST', `/mms/image/abc?auth=${auth}`, DATA)).toBe(400);
  });

  it('is trusted by a process with its certificate, and by no other', async () => {
    const path = await rig.simulator.writeMediaCertificate();
    const script = `fetch('${origin}/').then(({ status }) => console.log(status), () => console.log('refused'))`;
    const status = async (env: NodeJS.ProcessEnv): Promise<string> =>
      (await promisify(execFile)(process.execPath, ['-e', script], { env })).stdout.trim();
    expect(await status({ NODE_EXTRA_CA_CERTS: path })).toBe('404');
    expect(await status({})).toBe('refused');
  });
});

describe('faults of files', () => {
  it('loseMedia: a download fails until the phone has uploaded the file again', async () => {
    const { simulator, client } = rig;
    const { message } = await sent({ kind: 'document', fileName: 'old.pdf', data: DATA });
    const gone = message.message?.documentMessage?.directPath;
    expect(simulator.faults.loseMedia()).toBeGreaterThan(0);
    await expect(fetched(message)).rejects.toMatchObject({ output: { statusCode: 410 } });
    const updated = await client.socket.updateMediaMessage(message);
    expect(updated.message?.documentMessage?.directPath).not.toBe(gone);
    expect(await fetched(updated)).toEqual(DATA);
    await rig.eventually(() => simulator.devices().every(({ waiting }) => waiting === 0));
  });

  it('a phone that has no such file reports that', async () => {
    const { client } = rig;
    const { message } = await sent({ kind: 'image', data: DATA });
    const other = { ...message, key: { ...message.key, id: 'UNKNOWN' } };
    await expect(client.socket.updateMediaMessage(other)).rejects.toMatchObject({
      output: { statusCode: 404 },
    });
  });

  it('refuseUploads: the client cannot send the file, and can the next time', async () => {
    const { simulator, client } = rig;
    simulator.faults.refuseUploads();
    expect(simulator.faults.standing).toMatchObject({ refusedUploads: 1 });
    const content = { document: DATA, mimetype: 'text/plain', fileName: 'a.txt' };
    await expect(client.socket.sendMessage(peter.jid, content)).rejects.toThrow('Media upload failed');
    await client.socket.sendMessage(peter.jid, content);
    await simulator.waitFor(({ media }) => media?.fileName === 'a.txt');
  });

  it('truncateMedia: the client gets half of the file', async () => {
    const { message } = await sent({ kind: 'image', data: DATA });
    rig.simulator.faults.truncateMedia();
    const got = await fetched(message).catch(() => undefined);
    expect(got?.length ?? 0).toBeLessThan(DATA.length);
    expect(await fetched(message)).toEqual(DATA);
  });

  it('slowMedia: the file comes in pieces', async () => {
    const { message } = await sent({ kind: 'image', data: DATA });
    rig.simulator.faults.slowMedia(40_000);
    const stream = await downloadMediaMessage(message, 'stream', {});
    let pieces = 0;
    for await (const _piece of stream) pieces++;
    expect(pieces).toBeGreaterThan(2);
  });
});
