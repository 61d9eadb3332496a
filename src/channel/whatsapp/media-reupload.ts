import type { proto, WASocket } from '@whiskeysockets/baileys';
import { SECOND } from '../../clock.ts';
import { timeLimit } from '../../time-limit.ts';
import type { MediaReference, MediaType } from './media-reference.ts';

/** A phone that is off answers when it is on again; nobody waits for that. */
const PATIENCE_MS = 20 * SECOND;

const FIELDS = {
  image: 'imageMessage',
  video: 'videoMessage',
  audio: 'audioMessage',
  document: 'documentMessage',
  sticker: 'stickerMessage',
} as const satisfies Record<MediaType, keyof proto.IMessage>;

/**
 * Asks the sender's phone to put a file on the server again.
 * @returns its path there from now on
 * @throws when the phone has it no more, does not answer, or the signal fires
 */
export async function reupload(
  socket: Pick<WASocket, 'updateMediaMessage'>,
  media: MediaReference,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { mediaKey, directPath, url, key, type } = media;
  const content = { mediaKey, directPath: directPath ?? null, url: url ?? null };
  // Baileys itself waits without end.
  const limit = timeLimit(signal, PATIENCE_MS);
  const givenUp = new Promise<never>((_, reject) => {
    limit.signal.addEventListener('abort', () => reject(new Error('the phone does not answer')), {
      once: true,
    });
  });
  const message = {
    key: { ...key, participant: key.participant ?? null },
    message: { [FIELDS[type]]: content },
  };
  await Promise.race([socket.updateMediaMessage(message), givenUp]).finally(() => limit.clear());
  // It writes the new place into what it was given.
  return content.directPath ?? undefined;
}
