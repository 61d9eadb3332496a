import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { getMediaKeys, hmacSign, type MediaType } from '@whiskeysockets/baileys';
import type { MediaKind } from '../messages/saying.ts';

const KEY_BYTES = 32;
const MAC_BYTES = 10;

/** A file as it is uploaded, with what the message says of it. */
export interface EncryptedMedia {
  mediaKey: Buffer;
  ciphertext: Buffer;
  fileSha256: Buffer;
  fileEncSha256: Buffer;
}

/** The file is not what its message says. */
export class MediaMismatch extends Error {
  constructor(what: string) {
    super(`The ${what} of the file does not fit its message.`);
    this.name = 'MediaMismatch';
  }
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

function keysOf(mediaKey: Uint8Array, kind: MediaType | 'voice'): ReturnType<typeof getMediaKeys> {
  return getMediaKeys(mediaKey, kind === 'voice' ? 'ptt' : kind);
}

function macOf(iv: Uint8Array, ciphertext: Buffer, macKey: Uint8Array): Buffer {
  return Buffer.from(hmacSign(Buffer.concat([iv, ciphertext]), macKey)).subarray(0, MAC_BYTES);
}

/** Encrypts a file under a key of its own: AES-CBC, and 10 bytes of HMAC behind it. */
export async function encryptMedia(data: Buffer, kind: MediaKind | 'md-msg-hist'): Promise<EncryptedMedia> {
  const mediaKey = randomBytes(KEY_BYTES);
  const { iv, cipherKey, macKey } = await keysOf(mediaKey, kind);
  const cipher = createCipheriv('aes-256-cbc', cipherKey, iv);
  const encrypted = Buffer.concat([cipher.update(data), cipher.final()]);
  const ciphertext = Buffer.concat([encrypted, macOf(iv, encrypted, macKey ?? Buffer.alloc(0))]);
  return { mediaKey, ciphertext, fileSha256: sha256(data), fileEncSha256: sha256(ciphertext) };
}

/** Decrypts a file as phones do. Throws MediaMismatch, or Node's error when the padding is wrong. */
export async function decryptMedia(media: EncryptedMedia, kind: MediaKind): Promise<Buffer> {
  const { mediaKey, ciphertext, fileSha256, fileEncSha256 } = media;
  if (!sha256(ciphertext).equals(fileEncSha256)) throw new MediaMismatch('fileEncSha256');
  const { iv, cipherKey, macKey } = await keysOf(mediaKey, kind);
  const encrypted = ciphertext.subarray(0, -MAC_BYTES);
  if (!macOf(iv, encrypted, macKey ?? Buffer.alloc(0)).equals(ciphertext.subarray(-MAC_BYTES)))
    throw new MediaMismatch('MAC');
  const decipher = createDecipheriv('aes-256-cbc', cipherKey, iv);
  const data = Buffer.concat([decipher.update(encrypted), decipher.final()]);
  if (!sha256(data).equals(fileSha256)) throw new MediaMismatch('fileSha256');
  return data;
}
