import type { proto } from '@whiskeysockets/baileys';
import { describe, expect, it } from 'vitest';
import { attachmentOf, mediaIn } from './media.ts';
import { decodeMediaReference } from './media-reference.ts';

const KEY = { remoteJid: '120363@g.us', id: 'A1', participant: '102@lid', fromMe: false };
const FILE = { mediaKey: Buffer.from('key'), directPath: '/v/1', mimetype: 'x/y', fileLength: 12 };

const attachment = (content: proto.IMessage) => {
  const media = mediaIn(content);
  return media && attachmentOf(media, KEY);
};

describe('a file in a message', () => {
  it.each<[string, proto.IMessage]>([
    ['image', { imageMessage: FILE }],
    ['video', { videoMessage: FILE }],
    ['video', { ptvMessage: FILE }],
    ['audio', { audioMessage: FILE }],
    ['voice', { audioMessage: { ...FILE, ptt: true } }],
    ['document', { documentMessage: FILE }],
    ['sticker', { stickerMessage: FILE }],
  ])('is reported with all that a download needs: %s', (kind, content) => {
    const told = attachment(content);
    expect(told).toMatchObject({ kind, mimeType: 'x/y', bytes: 12 });
    expect(decodeMediaReference(told?.reference ?? '')).toMatchObject({
      directPath: '/v/1',
      mediaKey: new Uint8Array(Buffer.from('key')),
      fileLength: 12,
      key: KEY,
    });
  });

  it('has the name and length that its sender claims, cut where they are too long', () => {
    expect(attachment({ documentMessage: { ...FILE, fileName: 'a'.repeat(9_999) } })?.fileName).toHaveLength(
      255,
    );
    const fileName = `${'a'.repeat(254)}👍.pdf`;
    expect(attachment({ documentMessage: { ...FILE, fileName } })?.fileName).toBe('a'.repeat(254));
    expect(attachment({ documentMessage: { ...FILE, title: 'Plan' } })?.fileName).toBe('Plan');
    expect(attachment({ videoMessage: { ...FILE, seconds: 7 } })?.seconds).toBe(7);
  });

  it.each([
    ['negative', -1],
    ['none', Number.NaN],
    ['beyond all numbers', Number.POSITIVE_INFINITY],
    ['a fraction', 1.5],
  ])('has an unknown size when the claimed size is %s', (_, fileLength) => {
    const told = attachment({ imageMessage: { ...FILE, fileLength } });
    expect(told?.bytes).toBeUndefined();
    expect(decodeMediaReference(told?.reference ?? '')).toBeDefined();
  });

  it.each<[string, proto.Message.IImageMessage]>([
    ['a key', { ...FILE, mediaKey: null }],
    ['a place', { ...FILE, directPath: '' }],
  ])('a file without %s is ignored, because it can never be fetched', (_, imageMessage) => {
    expect(attachment({ imageMessage })).toBeUndefined();
  });
});
