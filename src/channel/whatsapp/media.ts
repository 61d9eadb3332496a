import { type proto, toNumber, type WAMessageKey } from '@whiskeysockets/baileys';
import { cutText } from '../../protocol/graphemes.ts';
import type { AttachmentKind, InboundAttachment } from '../channel.ts';
import { encodeMediaReference, type MediaType } from './media-reference.ts';

/** What the kinds of media have in common. */
type MediaPart = Pick<
  proto.Message.IDocumentMessage,
  'url' | 'directPath' | 'mediaKey' | 'fileSha256' | 'fileEncSha256' | 'fileLength' | 'mimetype'
> & {
  readonly caption?: string | null;
  readonly fileName?: string | null;
  readonly title?: string | null;
  readonly seconds?: number | null;
  readonly contextInfo?: proto.IContextInfo | null;
};

/** A file in a message. */
export interface Media {
  readonly kind: AttachmentKind;
  readonly type: MediaType;
  readonly part: MediaPart;
}

/** Names and types come from outside and go into a database: longer ones are cut. */
const LONGEST_CLAIM = 255;

/** The file in a message without its wrappers; undefined: there is none. */
export function mediaIn(content: proto.IMessage): Media | undefined {
  const { imageMessage, videoMessage, ptvMessage, audioMessage, documentMessage, stickerMessage } = content;
  if (imageMessage) return { kind: 'image', type: 'image', part: imageMessage };
  if (videoMessage) return { kind: 'video', type: 'video', part: videoMessage };
  if (ptvMessage) return { kind: 'video', type: 'video', part: ptvMessage };
  if (audioMessage) return { kind: audioMessage.ptt ? 'voice' : 'audio', type: 'audio', part: audioMessage };
  if (documentMessage) return { kind: 'document', type: 'document', part: documentMessage };
  if (stickerMessage) return { kind: 'sticker', type: 'sticker', part: stickerMessage };
  return undefined;
}

/** The file as the core knows it. Without a key, or a place where it lies, it can never be fetched: undefined. */
export function attachmentOf({ kind, type, part }: Media, key: WAMessageKey): InboundAttachment | undefined {
  const { mediaKey, directPath, url } = part;
  if (!mediaKey?.length || !(directPath || url) || !key.remoteJid || !key.id) return undefined;
  const bytes = amount(toNumber(part.fileLength));
  return {
    kind,
    mimeType: claim(part.mimetype),
    fileName: claim(part.fileName ?? part.title),
    bytes,
    seconds: amount(part.seconds),
    reference: encodeMediaReference({
      type,
      directPath: directPath || undefined,
      url: url || undefined,
      mediaKey,
      fileSha256: part.fileSha256 ?? undefined,
      fileEncSha256: part.fileEncSha256 ?? undefined,
      fileLength: bytes,
      mimetype: claim(part.mimetype),
      key: {
        remoteJid: key.remoteJid,
        id: key.id,
        participant: key.participant || undefined,
        fromMe: key.fromMe === true,
      },
    }),
  };
}

function claim(text: string | null | undefined): string | undefined {
  return text ? cutText(text, LONGEST_CLAIM) : undefined;
}

/** Nothing, and what is no amount, is not known. */
function amount(value: number | null | undefined): number | undefined {
  return value && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
