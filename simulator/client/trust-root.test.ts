import { WA_CERT_DETAILS } from '@whiskeysockets/baileys';
import { expect, it } from 'vitest';
import { BadRootKey, trustRoot } from './trust-root.ts';

const ROOT = 'ab'.repeat(32);

it('the trust root changes the root that Baileys checks, until it is restored', () => {
  const genuine = WA_CERT_DETAILS.PUBLIC_KEY;
  const distrust = trustRoot(ROOT);
  expect(WA_CERT_DETAILS.PUBLIC_KEY.toString('hex')).toBe(ROOT);
  distrust();
  expect(WA_CERT_DETAILS.PUBLIC_KEY).toBe(genuine);
});

it.each(['', 'ab', 'xy'.repeat(32), `${ROOT}00`])('the trust root refuses the key "%s"', (given) => {
  expect(() => trustRoot(given)).toThrow(BadRootKey);
});
