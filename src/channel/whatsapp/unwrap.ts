import type { proto } from '@whiskeysockets/baileys';

/** What wraps a message without changing what it says. Of an edit only the wrapper is here: the change itself lies within. */
const WRAPPERS = [
  'deviceSentMessage',
  'ephemeralMessage',
  'viewOnceMessage',
  'viewOnceMessageV2',
  'viewOnceMessageV2Extension',
  'documentWithCaptionMessage',
  'editedMessage',
  'associatedChildMessage',
  'groupStatusMessage',
  'groupStatusMessageV2',
  'groupMentionedMessage',
  'lottieStickerMessage',
  'botInvokeMessage',
  'botForwardedMessage',
  'botTaskMessage',
  'eventCoverImage',
  'limitSharingMessage',
  'pollCreationMessageV4',
  'pollCreationOptionImageMessage',
  'questionMessage',
  'questionReplyMessage',
] as const satisfies readonly (keyof proto.IMessage)[];

/** Real messages have two or three. */
const MOST_LAYERS = 8;

/** What a message holds below its wrappers. */
export function unwrap(message: proto.IMessage | null | undefined): proto.IMessage | undefined {
  let content = message ?? undefined;
  for (let layer = 0; content !== undefined && layer < MOST_LAYERS; layer++) {
    const wrapping: proto.IMessage = content;
    const name = WRAPPERS.find((wrapper) => wrapping[wrapper]);
    if (name === undefined) return content;
    content = wrapping[name]?.message ?? undefined;
  }
  return content;
}
