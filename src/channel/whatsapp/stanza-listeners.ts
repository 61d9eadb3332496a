import type { BinaryNode, WASocket } from '@whiskeysockets/baileys';

/** Stanzas that make messages. Baileys' listeners return when what they made was handed on. */
const MESSAGES: ReadonlySet<string | symbol> = new Set(['CB:message', 'CB:status', 'CB:call']);
/** Stanzas that may concern messages before them, such as a change of a group. */
const NOTIFICATION = 'CB:notification';
/**
 * Notifications that are ours alone, by their type: Baileys' listener for all notifications acknowledges them and fails at
 * that before the account is linked. linking.ts acknowledges these.
 */
const OWN_NOTIFICATIONS: ReadonlySet<string | undefined> = new Set([
  'companion_reg_refresh',
  'passkey_prologue_request',
  'crsc_continuation',
]);
const RECEIPT = 'CB:receipt';

/** A frame of the WebSocket; Baileys' listener returns when all stanzas in it were emitted. */
const FRAME = 'message';
const NO_BYTES = Buffer.alloc(0);
/** So many frames in a row that cannot be decoded are skipped before more bytes have come. */
const MAX_BAD_FRAMES = 100;

export interface Supervision {
  /** A listener threw or rejected; `node` is the stanza that it was called with, if it was one. */
  readonly onFailure: (event: string, error: unknown, node: BinaryNode | undefined) => void;
  /** A frame could not be read. @returns whether those after it can be */
  readonly onBadFrame: (error: unknown) => boolean;
  /** Handles a stanza, as a rule by its listeners, which `call` calls. */
  readonly handle: (node: BinaryNode, call: () => Promise<void>) => Promise<void>;
}

/**
 * Takes over how Baileys' socket calls its listeners, which are async functions that nobody waits for:
 *
 * - One that rejects (a frame that does not decrypt, a write after the close) would end the process. Here it is told
 *   to `onFailure`; and one that throws at once keeps those behind it from being called.
 * - A frame that is compressed takes longer to decode than a later one that is not. Here one is decoded before the
 *   next, and one that cannot be decoded is skipped: Baileys has taken it from its bytes, and goes on when it is
 *   called again.
 * - Messages overtake each other while the first one of a new contact is being prepared, and live ones overtake the
 *   backlog: Baileys puts stanzas marked `offline` into a queue of its own. Here the mark is taken away (nothing else
 *   depends on it but whether an upsert is called `append`), and one message is finished before the next begins.
 *   A notification begins when the messages before it are finished; no message waits for it, since some wait for
 *   answers of the server. A receipt waits for nothing.
 * - Stanzas that the line's close finds waiting are left to the server, which has no receipt for them and brings them
 *   again.
 */
export function superviseListeners(
  { ws }: Pick<WASocket, 'ws'>,
  { onFailure, onBadFrame, handle }: Supervision,
): void {
  const frames = new Lane();
  const messages = new Lane();

  const callAll = async (event: string | symbol, values: unknown[]): Promise<void> => {
    const results = ws.rawListeners(event).map((listener): unknown => listener.apply(ws, values));
    await Promise.all(results.filter((result) => result instanceof Promise));
  };

  const call = async (
    event: string | symbol,
    work: () => Promise<void>,
    node?: BinaryNode,
  ): Promise<void> => {
    try {
      await work();
    } catch (error) {
      onFailure(String(event), error, node);
    }
  };

  const handled =
    (event: string | symbol, [marked, ...others]: unknown[]) =>
    async (): Promise<void> => {
      const node = withoutMark(marked as BinaryNode);
      if (!ws.isOpen) return;
      await call(event, () => handle(node, () => callAll(event, [node, ...others])), node);
    };

  const readFrames = async (values: unknown[], badLeft = MAX_BAD_FRAMES): Promise<void> => {
    try {
      await callAll(FRAME, values);
    } catch (error) {
      if (onBadFrame(error) && badLeft > 0) await readFrames([NO_BYTES], badLeft - 1);
    }
  };

  ws.emit = (event, ...values: unknown[]): boolean => {
    if (event === NOTIFICATION && isOwnNotification(values[0])) return true;
    if (event === FRAME) frames.add(() => readFrames(values));
    else if (MESSAGES.has(event)) messages.add(handled(event, values));
    else if (event === NOTIFICATION) void messages.after(handled(event, values));
    else if (event === RECEIPT) void handled(event, values)();
    else void call(event, () => callAll(event, values));
    return ws.listenerCount(event) > 0;
  };
}

/** Work that is done one piece after the other, and never rejects. */
class Lane {
  #last: Promise<void> | undefined;

  /** Begins when all that was added is finished: at once, if it is already. */
  after(work: () => Promise<void>): Promise<void> {
    return this.#last === undefined ? work() : this.#last.then(work);
  }

  add(work: () => Promise<void>): void {
    const last = this.after(work).then(() => {
      if (this.#last === last) this.#last = undefined;
    });
    this.#last = last;
  }
}

function isOwnNotification(node: unknown): boolean {
  return OWN_NOTIFICATIONS.has((node as BinaryNode).attrs.type);
}

function withoutMark({ attrs: { offline: _, ...attrs }, ...node }: BinaryNode): BinaryNode {
  return { ...node, attrs };
}
