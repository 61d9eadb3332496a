import { describe, expect, it } from 'vitest';
import { decodeMediaReference, encodeMediaReference, type MediaReference } from './media-reference.ts';

const REFERENCE: MediaReference = {
  type: 'image',
  directPath: '/v/t62/1',
  mediaKey: new Uint8Array([0, 127, 255]),
  fileSha256: new Uint8Array([1]),
  fileLength: 12,
  mimetype: 'image/jpeg',
  key: { remoteJid: '1@s.whatsapp.net', id: 'A1', fromMe: false },
};

describe('a reference to a file', () => {
  it('is the same after it was written and read', () => {
    expect(decodeMediaReference(encodeMediaReference(REFERENCE))).toEqual(REFERENCE);
  });

  it('keeps bytes as base64, whatever class they had', () => {
    const text = encodeMediaReference({ ...REFERENCE, mediaKey: Buffer.from([0, 127, 255]) });
    expect(JSON.parse(text)).toMatchObject({ mediaKey: 'AH//', key: { id: 'A1' } });
  });

  it.each([
    ['no JSON', 'nothing'],
    ['no object', '7'],
    ['without a key', JSON.stringify({ type: 'image', key: REFERENCE.key })],
    ['of an unknown kind', encodeMediaReference(REFERENCE).replace('image', 'hologram')],
    ['with a key that is no base64', encodeMediaReference(REFERENCE).replace('AH//', '!!')],
  ])('is refused when it is %s', (_, text) => {
    expect(decodeMediaReference(text)).toBeUndefined();
  });
});
