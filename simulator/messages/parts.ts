import type { proto } from '@whiskeysockets/baileys';
import type { MediaKind } from './saying.ts';

/** What all kinds of files have in common on the wire. */
type MediaPart =
  | proto.Message.IImageMessage
  | proto.Message.IVideoMessage
  | proto.Message.IAudioMessage
  | proto.Message.IDocumentMessage
  | proto.Message.IStickerMessage;

/** The file of an unwrapped message and its kind; undefined when there is none. */
export function mediaPart(message: proto.IMessage): { kind: MediaKind; part: MediaPart } | undefined {
  const { imageMessage, videoMessage, ptvMessage, audioMessage, documentMessage, stickerMessage } = message;
  if (imageMessage) return { kind: 'image', part: imageMessage };
  if (videoMessage || ptvMessage) return { kind: 'video', part: videoMessage ?? ptvMessage ?? {} };
  if (audioMessage) return { kind: audioMessage.ptt ? 'voice' : 'audio', part: audioMessage };
  if (documentMessage) return { kind: 'document', part: documentMessage };
  return stickerMessage ? { kind: 'sticker', part: stickerMessage } : undefined;
}

/** The poll of an unwrapped message, of whatever version. */
export function pollPart(message: proto.IMessage): proto.Message.IPollCreationMessage | undefined {
  const { pollCreationMessage, pollCreationMessageV2, pollCreationMessageV3 } = message;
  return pollCreationMessage ?? pollCreationMessageV2 ?? pollCreationMessageV3 ?? undefined;
}

/** Quote, mentions and expiry of an unwrapped message. */
export function contextPart(message: proto.IMessage): proto.IContextInfo | undefined {
  const part =
    message.extendedTextMessage ??
    mediaPart(message)?.part ??
    message.contactMessage ??
    message.locationMessage ??
    pollPart(message);
  return part?.contextInfo ?? undefined;
}

/** The message without what it refers to, as phones quote it. */
export function withoutContext(message: proto.IMessage): proto.IMessage {
  const { extendedTextMessage } = message;
  if (extendedTextMessage) return { conversation: extendedTextMessage.text ?? '' };
  const entries = Object.entries(message).filter(([kind]) => kind !== 'messageContextInfo');
  return Object.fromEntries(
    entries.map(([kind, part]) => [kind, isPart(part) ? { ...part, contextInfo: undefined } : part]),
  );
}

function isPart(value: unknown): value is { contextInfo?: unknown } {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
