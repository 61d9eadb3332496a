import type { proto } from '@whiskeysockets/baileys';
import type { LineMedia } from '../events.ts';
import { mediaPart } from '../messages/parts.ts';
import type { MediaKind, SaidMedia } from '../messages/saying.ts';
import { decryptMedia, encryptMedia } from './cipher.ts';
import type { MediaServer } from './media-server.ts';

const MIME_TYPES: Readonly<Record<MediaKind, string>> = {
  image: 'image/jpeg',
  video: 'video/mp4',
  audio: 'audio/mp4',
  voice: 'audio/ogg; codecs=opus',
  document: 'application/octet-stream',
  sticker: 'image/webp',
};

const PARTS = {
  image: 'imageMessage',
  video: 'videoMessage',
  audio: 'audioMessage',
  voice: 'audioMessage',
  document: 'documentMessage',
  sticker: 'stickerMessage',
} as const satisfies Readonly<Record<MediaKind, keyof proto.IMessage>>;

/** The phone has no such file on the media server. */
class MediaMissing extends Error {
  constructor(directPath: string) {
    super(`There is no file at ${directPath || 'an empty direct path'} on the media server.`);
    this.name = 'MediaMissing';
  }
}

/** A phone encrypts and uploads a file; resolves with the message about it. */
export async function upload(server: MediaServer, media: SaidMedia): Promise<proto.IMessage> {
  const { kind, data, mimeType, fileName, caption, seconds } = media;
  const { mediaKey, ciphertext, fileSha256, fileEncSha256 } = await encryptMedia(data, kind);
  const directPath = server.store.put(ciphertext);
  const part = {
    url: server.urlOf(directPath),
    directPath,
    mediaKey,
    mediaKeyTimestamp: Math.floor(Date.now() / 1000),
    fileSha256,
    fileEncSha256,
    fileLength: data.length,
    mimetype: mimeType ?? MIME_TYPES[kind],
    ...(fileName !== undefined && { fileName, title: fileName }),
    ...(caption !== undefined && { caption }),
    ...(seconds !== undefined && { seconds }),
    ...(kind === 'voice' && { ptt: true }),
  };
  return { [PARTS[kind]]: part };
}

/**
 * A phone downloads the file of an unwrapped message and checks it; undefined when it has none. Rejects with
 * MediaMissing, MediaMismatch or Node's error when it cannot be decrypted.
 */
export async function download(server: MediaServer, message: proto.IMessage): Promise<LineMedia | undefined> {
  const media = mediaPart(message);
  if (!media) return undefined;
  const { kind, part } = media;
  const ciphertext = server.store.get(part.directPath ?? '');
  if (!Buffer.isBuffer(ciphertext)) throw new MediaMissing(part.directPath ?? '');
  const encrypted = {
    ciphertext,
    mediaKey: Buffer.from(part.mediaKey ?? []),
    fileSha256: Buffer.from(part.fileSha256 ?? []),
    fileEncSha256: Buffer.from(part.fileEncSha256 ?? []),
  };
  const data = await decryptMedia(encrypted, kind);
  const caption = 'caption' in part ? part.caption : undefined;
  const fileName = 'fileName' in part ? part.fileName : undefined;
  const seconds = 'seconds' in part ? part.seconds : undefined;
  return {
    kind,
    mimeType: part.mimetype ?? '',
    bytes: data.length,
    data,
    ...(fileName && { fileName }),
    ...(caption && { caption }),
    ...(typeof seconds === 'number' && { seconds }),
  };
}
