import type { BinaryNode, WASocket } from '@whiskeysockets/baileys';

/** A message stanza; Baileys' listener returns when the message was handed on. */
const MESSAGE = 'CB:message';
/** Baileys' listener for all notifications, which acknowledges them; it fails before the account is linked. */
const NOTIFICATION = 'CB:notification';
/** Notifications that are ours alone, by their type; linking.ts acknowledges them. */
const OWN_NOTIFICATIONS: ReadonlySet<string | undefined> = new Set([
  'companion_reg_refresh',
  'passkey_prologue_request',
  'crsc_continuation',
]);

/**
 * Takes over how Baileys' socket calls its listeners, which are async functions that nobody waits for:
 *
 * - One that rejects (a frame that does not decrypt, a write after the close) would end the process. Here it is told
 *   to `onFailure`; and one that throws at once keeps those behind it from being called.
 * - Messages overtake each other while the first one of a new contact is being prepared. Here one is finished before
 *   the next begins; and those that the line's close finds waiting are left to the server, which has no receipt for
 *   them and brings them again.
 */
export function superviseListeners(
  { ws }: Pick<WASocket, 'ws'>,
  onFailure: (event: string, error: unknown) => void,
): void {
  let turn: Promise<unknown> = Promise.resolve();

  const call = async (event: string | symbol, values: unknown[]): Promise<void> => {
    try {
      const results = ws.rawListeners(event).map((listener): unknown => listener.apply(ws, values));
      await Promise.all(results.filter((result) => result instanceof Promise));
    } catch (error) {
      onFailure(String(event), error);
    }
  };

  ws.emit = (event, ...values: unknown[]): boolean => {
    if (event === NOTIFICATION && isOwnNotification(values[0])) return true;
    if (event === MESSAGE) turn = turn.then(() => (ws.isOpen ? call(event, values) : undefined));
    else void call(event, values);
    return ws.listenerCount(event) > 0;
  };
}

function isOwnNotification(node: unknown): boolean {
  return OWN_NOTIFICATIONS.has((node as BinaryNode).attrs.type);
}
