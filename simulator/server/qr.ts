/** Newer clients put a link in front, so that any camera finds the way to WhatsApp. */
const LINK = 'https://wa.me/settings/linked_devices#';
const PARTS = 5;

/** What a pairing QR code says. */
export interface PairingQr {
  ref: string;
  noiseKey: Buffer;
  identityKey: Buffer;
  advSecret: Buffer;
  platform: string;
}

/** The text is no pairing QR code. */
export class BadQr extends Error {
  constructor(text: string) {
    super(
      `"${text.slice(0, 60)}" is no pairing QR code: expected ref, noise key, identity key, secret and platform, parted by commas.`,
    );
    this.name = 'BadQr';
  }
}

/** Reads the text of a QR code, with or without the link in front. Throws BadQr. */
export function readQr(text: string): PairingQr {
  const plain = text.startsWith(LINK) ? text.slice(LINK.length) : text;
  const [ref, noiseKey, identityKey, advSecret, platform, ...more] = plain.trim().split(',');
  if (!ref || !noiseKey || !identityKey || !advSecret || !platform || more.length > 0) {
    throw new BadQr(`${text} (${PARTS} parts)`);
  }
  return {
    ref,
    noiseKey: Buffer.from(noiseKey, 'base64'),
    identityKey: Buffer.from(identityKey, 'base64'),
    advSecret: Buffer.from(advSecret, 'base64'),
    platform,
  };
}
