import { WA_CERT_DETAILS } from '@whiskeysockets/baileys';

/** The key is not 32 bytes of hex. */
export class BadRootKey extends Error {
  constructor(given: string) {
    super(`"${given}" is no root key: give the 64 hex digits of the simulator's "rootKey".`);
    this.name = 'BadRootKey';
  }
}

/**
 * Makes Baileys in this process accept servers whose noise certificate goes back to this root, instead of
 * WhatsApp's. Baileys reads `WA_CERT_DETAILS.PUBLIC_KEY` at each handshake, so no file need be patched.
 *
 * @returns puts WhatsApp's root back.
 */
export function trustRoot(rootKey: string): () => void {
  if (!/^[0-9a-f]{64}$/i.test(rootKey)) throw new BadRootKey(rootKey);
  const before = WA_CERT_DETAILS.PUBLIC_KEY;
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootKey, 'hex');
  return () => {
    WA_CERT_DETAILS.PUBLIC_KEY = before;
  };
}
