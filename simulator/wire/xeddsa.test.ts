import { Curve, generateSignalPubKey } from '@whiskeysockets/baileys';
import { expect, it } from 'vitest';
import { verifyXEdDSA } from './xeddsa.ts';

const message = Buffer.from('what is signed');

it('the verification accepts libsignal’s signatures, for both signs of the Edwards key', () => {
  for (let n = 0; n < 8; n++) {
    const { public: publicKey, private: privateKey } = Curve.generateKeyPair();
    const signature = Curve.sign(privateKey, message);
    expect(verifyXEdDSA(publicKey, message, signature)).toBe(true);
    expect(verifyXEdDSA(generateSignalPubKey(publicKey), message, signature)).toBe(true);
  }
});

it('the verification refuses another key, another message, a flipped bit and malformed input', () => {
  const { public: publicKey, private: privateKey } = Curve.generateKeyPair();
  const signature = Buffer.from(Curve.sign(privateKey, message));
  expect(verifyXEdDSA(Curve.generateKeyPair().public, message, signature)).toBe(false);
  expect(verifyXEdDSA(publicKey, Buffer.from('something else'), signature)).toBe(false);
  for (const byte of [0, 31, 32, 63]) {
    const flipped = Buffer.from(signature);
    flipped[byte]! ^= 1;
    expect(verifyXEdDSA(publicKey, message, flipped)).toBe(false);
  }
  expect(verifyXEdDSA(publicKey, message, signature.subarray(1))).toBe(false);
  expect(verifyXEdDSA(publicKey.subarray(1), message, signature)).toBe(false);
  expect(verifyXEdDSA(Buffer.alloc(32), message, Buffer.alloc(64))).toBe(false);
});
