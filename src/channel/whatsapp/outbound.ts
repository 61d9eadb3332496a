import { AsyncLocalStorage } from 'node:async_hooks';
import type { AnyMessageContent, proto, WAMessage, WASocket } from '@whiskeysockets/baileys';
import type { Log } from '../../log.ts';
import type { Outgoing, SendOutcome } from '../channel.ts';
import { codeOf, textOf } from './errors.ts';
import type { Identity } from './identity.ts';
import { isGroup } from './jid.ts';

/** What of a socket sends. */
export type Sender = Pick<WASocket, 'sendMessage' | 'waitForMessage'>;

/** One send on its way: whether anything was encrypted yet, after which it may have left. */
interface Progress {
  encrypted: boolean;
}

/** Baileys' code for "the connection is closed", thrown before anything is written. */
const CONNECTION_CLOSED = 428;

/**
 * Sends, and says how each ended. `sendMessage` resolves as soon as the bytes are written, so only the server's answer
 * to the wire id counts; and waiting for it begins before the send, for it may come before `sendMessage` resolves.
 */
export class Outbound {
  readonly #identity: Identity;
  readonly #timeoutMs: number;
  readonly #log: Log;
  readonly #progress = new AsyncLocalStorage<Progress>();

  /** @param timeoutMs how long the server may take, the preparation of the message included */
  constructor(identity: Identity, timeoutMs: number, log: Log) {
    this.#identity = identity;
    this.#timeoutMs = timeoutMs;
    this.#log = log;
  }

  /** To be called, in the send's asynchronous context, once something is being encrypted. */
  readonly onEncrypt = (): void => {
    const progress = this.#progress.getStore();
    if (progress !== undefined) progress.encrypted = true;
  };

  /**
   * Never rejects.
   * @param gone settles when the socket's life ends: Baileys itself would let the wait run to its time-out
   */
  async send(
    socket: Sender,
    gone: Promise<void>,
    chatJid: string,
    message: Outgoing,
    wireId: string,
  ): Promise<SendOutcome> {
    const progress: Progress = { encrypted: false };
    const answered = this.#answer(socket, wireId);
    const failed = this.#write(socket, progress, chatJid, message, wireId);
    const ended = gone.then(() => this.#lost(progress, 'the line closed'));
    const outcome = await Promise.race([answered, failed, ended]);
    if (outcome.kind !== 'acked')
      this.#log.warn({ chat: chatJid, wireId, outcome }, 'A message was not acknowledged');
    return outcome;
  }

  /** The server's answer; never rejects. */
  async #answer(socket: Sender, wireId: string): Promise<SendOutcome> {
    try {
      const answer: unknown = await socket.waitForMessage(wireId, this.#timeoutMs);
      return answer === undefined
        ? { kind: 'unconfirmed', reason: `no answer within ${this.#timeoutMs} ms` }
        : outcomeOf(answer);
    } catch (error) {
      // Its rejections (errors, or the bare code of a close) say that the line is gone: `gone` tells the same.
      return { kind: 'unconfirmed', reason: `the line closed (${textOf(error)})` };
    }
  }

  /** Writes the message. Settles only if that fails; success waits for the answer. */
  async #write(
    socket: Sender,
    progress: Progress,
    chatJid: string,
    message: Outgoing,
    wireId: string,
  ): Promise<SendOutcome> {
    const quoted = this.#quoted(chatJid, message);
    try {
      await this.#progress.run(progress, () =>
        socket.sendMessage(chatJid, contentOf(message), { messageId: wireId, ...(quoted && { quoted }) }),
      );
    } catch (error) {
      // A bare number is a close during a query, and queries come before the message itself.
      if (typeof error === 'number' || codeOf(error) === CONNECTION_CLOSED) {
        return { kind: 'not_sent', reason: `the line closed (${textOf(error)})` };
      }
      return this.#lost(progress, textOf(error));
    }
    return new Promise(() => {
      // Written: `answered` or `ended` decides.
    });
  }

  #lost(progress: Progress, reason: string): SendOutcome {
    return progress.encrypted ? { kind: 'unconfirmed', reason } : { kind: 'not_sent', reason };
  }

  /** The quoted message in the form in which Baileys takes it. */
  #quoted(chatJid: string, { quoted }: Outgoing): WAMessage | undefined {
    if (quoted === undefined) return undefined;
    const fromMe = this.#identity.isOwner(quoted.senderJid);
    const participant = isGroup(chatJid) && !fromMe ? { participant: quoted.senderJid } : {};
    return {
      key: { remoteJid: chatJid, id: quoted.id, fromMe, ...participant },
      message: { conversation: quoted.text },
    };
  }
}

function contentOf(message: Outgoing): AnyMessageContent {
  // Without the null Baileys would fetch every link in the text from here.
  return { text: message.text, linkPreview: null };
}

/** The same message once more, for a device that could not read it. */
export function recalled(message: Outgoing | undefined): proto.IMessage | undefined {
  if (message === undefined) return undefined;
  const { text, quoted } = message;
  const contextInfo = quoted && {
    stanzaId: quoted.id,
    participant: quoted.senderJid,
    quotedMessage: { conversation: quoted.text },
  };
  return { extendedTextMessage: { text, ...(contextInfo && { contextInfo }) } };
}

/**
 * What an answer with our wire id says. An `ack` with an error is a refusal, 463 (a restricted account) above all:
 * trying again worsens that one. A receipt under the same id comes from a device that the server has passed it to.
 */
function outcomeOf(answer: unknown): SendOutcome {
  const error = attribute(answer, 'error');
  if (error === undefined) return { kind: 'acked' };
  const code = Number(error);
  return {
    kind: 'refused',
    code: Number.isNaN(code) ? undefined : code,
    reason: REFUSALS[error] ?? `WhatsApp refused the message (${error})`,
  };
}

const REFUSALS: Readonly<Record<string, string>> = {
  463: 'WhatsApp restricts this account: it may not begin chats with people it has not talked to (463)',
  479: 'WhatsApp found the message malformed, perhaps for a device that is no longer linked (479)',
};

function attribute(node: unknown, name: string): string | undefined {
  if (typeof node !== 'object' || node === null || !('attrs' in node)) return undefined;
  const { attrs } = node;
  if (typeof attrs !== 'object' || attrs === null) return undefined;
  const value: unknown = Reflect.get(attrs, name);
  return typeof value === 'string' ? value : undefined;
}
