import type { BaileysEventEmitter, WAMessage } from '@whiskeysockets/baileys';

/**
 * Takes each message as Baileys reads it, and past its buffer. While a backlog or a history comes in, the buffer keeps
 * messages by chat and id alone, and merges what it thinks belongs together: of two people's messages with one id in a
 * group the second replaces the first, an edit replaces the text of whoever's message it names, a deletion takes the
 * message's name, and a message that the history has too is not told at all.
 */
export function takeUnbuffered(
  ev: BaileysEventEmitter,
  take: (messages: readonly WAMessage[]) => void,
): void {
  const emit = ev.emit.bind(ev);
  ev.emit = (event, value) => {
    if (event !== 'messages.upsert') return emit(event, value);
    take((value as { readonly messages: readonly WAMessage[] }).messages);
    return true;
  };
}
