import { execFile } from 'node:child_process';
import { link, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OutgoingFile } from '../channel/channel.ts';
import { isEmoji } from './emoji.ts';
import type { Mailbox } from './mailbox.ts';
import { FAMILY_JID, Rig } from './testing/rig.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg==',
  'base64',
);

let rig: Rig;
let mailbox: Mailbox;
beforeEach(async () => {
  rig = await Rig.open();
  mailbox = rig.mailbox({ limits: { outgoingBytes: 10_000 } });
});
afterEach(() => rig.close());

const inFiles = (leaf: string): string => join(rig.paths.groupIpc('family'), 'files', leaf);
const outgoing = (): Promise<string[]> => readdir(rig.paths.outgoing).catch(() => []);
const request = (file: string, more: Record<string, unknown> = {}) => ({
  type: 'file',
  chatJid: FAMILY_JID,
  file,
  requestId: 'asked',
  ...more,
});
async function ask(file: string, more: Record<string, unknown> = {}): Promise<void> {
  await rig.drop('family', request(file, more));
  await mailbox.drain('family');
}
const sent = (): OutgoingFile[] =>
  rig
    .takeOutbox()
    .map(({ message }) => message)
    .filter((message) => message.kind === 'file');

describe('a file to send', () => {
  it('is copied out of the sandbox’s reach before its row exists, and its content decides its kind', async () => {
    await writeFile(inFiles('a.txt'), PNG);
    await ask('a.txt', { caption: ' look ', fileName: 'chart\u202e.png' });
    const [file] = sent();
    expect(file).toMatchObject({
      as: 'image',
      bytes: PNG.length,
      mimeType: 'image/png',
      caption: 'look',
      fileName: 'chart.png',
    });
    expect(await readFile(file!.path)).toEqual(PNG);
    expect(await readdir(join(rig.paths.groupIpc('family'), 'files'))).toEqual([]);
    expect(await rig.result('family', 'asked')).toEqual({ ok: true });
  });

  it.each([
    [
      'voice.bin',
      Buffer.concat([Buffer.from('OggS'), Buffer.alloc(24), Buffer.from('OpusHead'), Buffer.alloc(60)]),
      'voice',
    ],
    ['a.mp3', Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x64]), Buffer.alloc(413)]), 'audio'],
    ['a.pdf', Buffer.from('%PDF-1.4 and so on'), 'document'],
    ['image.png', Buffer.from('no picture at all'), 'document'],
    ['notes.md', Buffer.from('# Notes'), 'document'],
  ])('is sent by its content, not its name: %s', async (leaf, content, as) => {
    await writeFile(inFiles(leaf), content);
    await ask(leaf);
    expect(sent()).toMatchObject([{ as, fileName: leaf }]);
  });

  it.each([
    ['host.log', 'started\n', 'text/plain'],
    ['tool.py', 'print("hi")\n', 'text/plain'],
    ['compose.yaml', 'a: 1\n', 'text/plain'],
    ['Makefile', 'all:\n\techo ключ\n', 'text/plain'],
    ['data.csv', 'a,b\n', 'text/csv'],
    ['image.bin', Buffer.from([1, 2, 0, 255]), 'application/octet-stream'],
    ['latin1.log', Buffer.from([0x66, 0xfc, 0x72, 0x0a]), 'application/octet-stream'],
  ])('has the type of text where it is text: %s', async (leaf, content, mimeType) => {
    await writeFile(inFiles(leaf), content);
    await ask(leaf);
    expect(sent()).toMatchObject([{ as: 'document', mimeType }]);
  });

  it('is followed by a message when its caption is too long', async () => {
    await writeFile(inFiles('a.pdf'), '%PDF-1.4');
    await ask('a.pdf', { caption: 'words '.repeat(300) });
    const [file, text] = rig.takeOutbox();
    expect(file?.message).not.toHaveProperty('caption');
    expect(text?.message).toMatchObject({ kind: 'text' });
  });

  it('is kept until its row is settled, and then deleted', async () => {
    await writeFile(inFiles('a.pdf'), '%PDF-1.4');
    await ask('a.pdf');
    await mailbox.start();
    expect(await outgoing()).toHaveLength(1);
    sent();
    await mailbox.stop();
    await rig.mailbox().start();
    expect(await outgoing()).toEqual([]);
  });

  it('is sent by the next host when the first died between claim and commit', async () => {
    await mkdir(rig.paths.outgoing, { recursive: true });
    const id = await rig.claimed('family', request('a.pdf'));
    await writeFile(join(rig.paths.outgoing, id), '%PDF-1.4');
    await mailbox.start();
    expect(await outgoing()).toEqual([id]);
    expect(sent()).toMatchObject([{ path: join(rig.paths.outgoing, id) }]);
  });

  it('stays while its request waits for a database with room', async () => {
    await mkdir(rig.paths.outgoing, { recursive: true });
    const id = await rig.claimed('family', request('a.pdf'));
    await writeFile(join(rig.paths.outgoing, id), '%PDF-1.4');
    const { transaction } = rig.store;
    Object.assign(rig.store, {
      transaction: () => {
        throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
      },
    });
    await mailbox.start();
    expect(await outgoing()).toEqual([id]);
    Object.assign(rig.store, { transaction });
    await mailbox.drain('family');
    expect(sent()).toMatchObject([{ path: join(rig.paths.outgoing, id) }]);
  });

  it('is deleted at the start when an earlier host left it without a request', async () => {
    await mkdir(rig.paths.outgoing, { recursive: true });
    await writeFile(join(rig.paths.outgoing, 'leftover'), 'x');
    await mailbox.start();
    expect(await outgoing()).toEqual([]);
  });

  it('is sent as it was taken when it is replaced afterwards', async () => {
    await writeFile(inFiles('a.pdf'), '%PDF-1.4 first');
    await ask('a.pdf');
    await writeFile(inFiles('a.pdf'), '%PDF-1.4 second');
    expect(await readFile(sent()[0]!.path, 'utf8')).toContain('first');
  });
});

describe('a bad file', () => {
  it.each([
    ['a link', 'is not a plain file', () => symlink('/etc/passwd', inFiles('x'))],
    ['a pipe', 'is not a plain file', () => promisify(execFile)('mkfifo', [inFiles('x')])],
    ['a directory', 'is not a plain file', () => mkdir(inFiles('x'))],
    ['an empty file', 'is empty', () => writeFile(inFiles('x'), '')],
    [
      'a file with a second name',
      'second name',
      async () => {
        await writeFile(join(rig.root, 'secret'), 'x');
        await link(join(rig.root, 'secret'), inFiles('x'));
      },
    ],
    [
      'a file that is too large',
      'larger than 10000 bytes',
      async () => {
        await writeFile(inFiles('x'), 'x');
        await truncate(inFiles('x'), 10_001);
      },
    ],
  ])('%s is refused, and nothing of it stays with the files to send', async (_, words, make) => {
    await make();
    await ask('x');
    expect(rig.takeOutbox()).toEqual([]);
    expect(await rig.result('family', 'asked')).toEqual({ ok: false, error: expect.stringContaining(words) });
    expect(await outgoing()).toEqual([]);
  });

  it('any file is refused when the directory was replaced by a link', async () => {
    const directory = inFiles('');
    await rm(directory, { recursive: true });
    await mkdir(join(rig.root, 'elsewhere'));
    await writeFile(join(rig.root, 'elsewhere', 'x'), 'secret');
    await symlink(join(rig.root, 'elsewhere'), directory.replace(/\/$/, ''));
    await ask('x');
    expect(rig.takeOutbox()).toEqual([]);
    expect(await readdir(join(rig.root, 'elsewhere'))).toEqual(['x']);
  });
});

it('a file that was renamed meanwhile is reported as missing', async () => {
  await writeFile(inFiles('x'), 'x');
  await rename(inFiles('x'), inFiles('y'));
  await ask('x');
  expect(await rig.result('family', 'asked')).toEqual({
    ok: false,
    error: expect.stringContaining('no file x'),
  });
});

it.each([
  ['👍', true],
  ['❤️', true],
  ['❤', true],
  ['👨‍👩‍👧‍👦', true],
  ['🇩🇪', true],
  ['👍👍', false],
  ['a', false],
  ['1', false],
  ['', false],
  ['👍 ', false],
])('%j is one emoji: %s', (text, expected) => {
  expect(isEmoji(text)).toBe(expected);
});
