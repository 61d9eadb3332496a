import { expect, it } from 'vitest';
import { BadQr, readQr } from './qr.ts';

const plain = '2@ref,bm9pc2U=,aWRlbnRpdHk=,c2VjcmV0,1';

it('a QR code is read with and without the link in front', () => {
  for (const text of [plain, `https://wa.me/settings/linked_devices#${plain}`]) {
    expect(readQr(text)).toEqual({
      ref: '2@ref',
      noiseKey: Buffer.from('noise'),
      identityKey: Buffer.from('identity'),
      advSecret: Buffer.from('secret'),
      platform: '1',
    });
  }
});

it.each(['', 'hello', '2@ref,a,b,c', `${plain},more`, ',a,b,c,1'])('a QR code of "%s" is refused', (text) => {
  expect(() => readQr(text)).toThrow(BadQr);
});
