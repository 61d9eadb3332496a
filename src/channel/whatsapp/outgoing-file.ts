import { constants, createReadStream } from 'node:fs';
import { access, lstat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import {
  generateWAMessageFromContent,
  prepareWAMessageMedia,
  type proto,
  type WAMediaUpload,
  type WAMessage,
  type WASocket,
} from '@whiskeysockets/baileys';
import { MINUTE } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { OutgoingFile } from '../channel.ts';
import { baileysLog } from './baileys-log.ts';
import { formatForWhatsApp } from './formatting.ts';

/** How long an upload to one of WhatsApp's hosts may stand still: that is what Baileys measures. */
const STALL_MS = MINUTE;
/** How long all of an upload may take. An answer that breaks off never ends by itself. */
const UPLOAD_MS = 15 * MINUTE;

/** Room that others may take meanwhile. */
const SPARE_BYTES = 16 * 1024 ** 2;

/** What of a socket uploads. */
export type Uploader = Pick<WASocket, 'waUploadToServer' | 'user'>;

export interface FileToSend {
  readonly chatJid: string;
  readonly message: OutgoingFile;
  readonly wireId: string;
  readonly quoted: WAMessage | undefined;
}

/** The file that was taken is not there any more, or is not whole. The text is for people. */
export class FileLostError extends Error {
  override readonly name = 'FileLostError';
}

/**
 * Encrypts a file, uploads it and makes the message that tells of it.
 * @throws FileLostError, for good; Baileys' error or that of the time when it cannot be uploaded; nothing was sent then
 */
export async function uploadFile(
  socket: Uploader,
  { chatJid, message, wireId, quoted }: FileToSend,
  log: Log,
): Promise<proto.IMessage> {
  await demandWhole(message);
  await demandRoom(message.bytes);
  const stream = createReadStream(message.path, { end: message.bytes - 1 });
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('it took too long')), UPLOAD_MS);
    });
    const upload = prepareWAMessageMedia(contentOf(message, { stream }), {
      upload: socket.waUploadToServer,
      mediaUploadTimeoutMs: STALL_MS,
      logger: baileysLog(log),
    });
    const media = await Promise.race([upload, late]);
    const userJid = socket.user?.id ?? '';
    const full = generateWAMessageFromContent(chatJid, withoutPreview(media), {
      userJid,
      messageId: wireId,
      ...(quoted && { quoted }),
    });
    return full.message ?? media;
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
}

/** Who wrote it may hold it open still, and cut it off. */
async function demandWhole({ path, bytes }: OutgoingFile): Promise<void> {
  try {
    if ((await lstat(path)).size >= bytes) return;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    throw new FileLostError('the file is not there any more');
  }
  throw new FileLostError('the file was changed after it was taken');
}

/** Baileys writes an encrypted copy there, of a recording a plain one too; if it cannot, that ends the process (rc14). */
async function demandRoom(bytes: number): Promise<void> {
  const directory = tmpdir();
  await access(directory, constants.W_OK);
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize < 2 * bytes + SPARE_BYTES) throw new Error(`there is too little room in ${directory}`);
}

type MediaContent = Parameters<typeof prepareWAMessageMedia>[0];

/** With empty previews, so that none is computed: that would take native libraries and the whole file in memory. */
function contentOf(message: OutgoingFile, file: WAMediaUpload): MediaContent {
  const { as, mimeType: mimetype, fileName } = message;
  const caption = message.caption === undefined ? {} : { caption: formatForWhatsApp(message.caption) };
  switch (as) {
    case 'image':
      return { image: file, mimetype, jpegThumbnail: '', ...caption };
    case 'video':
      return { video: file, mimetype, jpegThumbnail: '', ...caption };
    case 'audio':
      return { audio: file, mimetype };
    case 'voice':
      return voice(file, mimetype);
    case 'document':
      return { document: file, mimetype, fileName, ...caption };
  }
}

/** Baileys takes a waveform that its types do not name. */
function voice(audio: WAMediaUpload, mimetype: string): MediaContent {
  const content = { audio, mimetype, ptt: true, waveform: new Uint8Array(0) };
  return content;
}

function withoutPreview(media: proto.IMessage): proto.IMessage {
  for (const part of [media.imageMessage, media.videoMessage]) if (part) delete part.jpegThumbnail;
  if (media.audioMessage) delete media.audioMessage.waveform;
  return media;
}
