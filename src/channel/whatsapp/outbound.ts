import { AsyncLocalStorage } from 'node:async_hooks';
import type { AnyMessageContent, proto, WAMessage, WAMessageKey, WASocket } from '@whiskeysockets/baileys';
import type { Log } from '../../log.ts';
import type {
  Outgoing,
  OutgoingFile,
  OutgoingReaction,
  OutgoingText,
  Quoted,
  SendOutcome,
} from '../channel.ts';
import { codeOf, textOf } from './errors.ts';
import { formatForWhatsApp } from './formatting.ts';
import type { Identity } from './identity.ts';
import { isGroup } from './jid.ts';
import { FileLostError, type Uploader, uploadFile } from './outgoing-file.ts';
import type { Uploads } from './uploads.ts';

/** What of a socket sends. */
export type Sender = Pick<WASocket, 'sendMessage' | 'relayMessage' | 'waitForMessage'> & Uploader;

/** How a person is named in a group, for phones to find what they wrote there. Never rejects. */
export type MemberName = (groupJid: string, personJid: string) => Promise<string>;

export interface OutboundOptions {
  readonly identity: Identity;
  readonly memberName: MemberName;
  readonly uploads: Uploads;
  /** How long the server may take, the preparation of the message included, but not an upload, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: Log;
}

/** One send on its way: whether anything was encrypted yet, after which it may have left. */
interface Progress {
  encrypted: boolean;
}

/** Writes a message that is ready. */
type Write = () => Promise<unknown>;

/** Baileys' code for "the connection is closed", thrown before anything is written. */
const CONNECTION_CLOSED = 428;

/**
 * Sends, and says how each ended. `sendMessage` resolves as soon as the bytes are written, so only the server's answer
 * to the wire id counts; and waiting for it begins before the send, for it may come before `sendMessage` resolves.
 */
export class Outbound {
  readonly #options: OutboundOptions;
  readonly #progress = new AsyncLocalStorage<Progress>();

  constructor(options: OutboundOptions) {
    this.#options = options;
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
    const ended = gone.then(() => this.#lost(progress, 'the line closed'));
    const write = await Promise.race([this.#prepare(socket, chatJid, message, wireId), ended]);
    if (typeof write !== 'function') return this.#told(chatJid, wireId, write);
    const answered = this.#answer(socket, wireId);
    const failed = this.#write(progress, write);
    return this.#told(chatJid, wireId, await Promise.race([answered, failed, ended]));
  }

  /** The server's answer; never rejects. */
  async #answer(socket: Sender, wireId: string): Promise<SendOutcome> {
    const { timeoutMs } = this.#options;
    try {
      const answer: unknown = await socket.waitForMessage(wireId, timeoutMs);
      return answer === undefined
        ? { kind: 'unconfirmed', reason: `no answer within ${timeoutMs} ms` }
        : outcomeOf(answer);
    } catch (error) {
      // Its rejections (errors, or the bare code of a close) say that the line is gone: `gone` tells the same.
      return { kind: 'unconfirmed', reason: `the line closed (${textOf(error)})` };
    }
  }

  /**
   * The same message once more, for a device that could not read it.
   * @param message as it was sent to that chat; undefined: nothing was, under this id
   */
  async recall(
    wireId: string,
    chatJid: string,
    message: Outgoing | undefined,
  ): Promise<proto.IMessage | undefined> {
    switch (message?.kind) {
      case 'file':
        return this.#options.uploads.find(wireId);
      case 'text':
        return textMessage(
          message,
          message.quoted && (await this.#nameIn(chatJid, message.quoted.senderJid)),
        );
      case 'reaction':
        return { reactionMessage: { key: await this.#targetKey(chatJid, message), text: message.emoji } };
      case undefined:
        return undefined;
    }
  }

  #told(chatJid: string, wireId: string, outcome: SendOutcome): SendOutcome {
    if (outcome.kind !== 'acked')
      this.#options.log.warn({ chat: chatJid, wireId, outcome }, 'A message was not acknowledged');
    return outcome;
  }

  /** What writes the message, once all that it takes is there; or why it cannot be sent. Never rejects. */
  async #prepare(
    socket: Sender,
    chatJid: string,
    message: Outgoing,
    messageId: string,
  ): Promise<Write | SendOutcome> {
    if (message.kind === 'file') return this.#upload(socket, chatJid, message, messageId);
    if (message.kind === 'reaction') {
      const react = { text: message.emoji, key: await this.#targetKey(chatJid, message) };
      return () => socket.sendMessage(chatJid, { react }, { messageId });
    }
    const quoted = await this.#quoted(chatJid, message.quoted);
    return () => socket.sendMessage(chatJid, contentOf(message), { messageId, ...(quoted && { quoted }) });
  }

  async #upload(
    socket: Sender,
    chatJid: string,
    message: OutgoingFile,
    wireId: string,
  ): Promise<Write | SendOutcome> {
    const { uploads, log } = this.#options;
    try {
      let content = uploads.find(wireId);
      if (content === undefined) {
        const quoted = await this.#quoted(chatJid, message.quoted);
        content = await uploadFile(socket, { chatJid, message, wireId, quoted }, log);
        uploads.save(wireId, content);
      }
      const ready = content;
      return () => socket.relayMessage(chatJid, ready, { messageId: wireId });
    } catch (error) {
      return error instanceof FileLostError
        ? { kind: 'refused', code: undefined, reason: error.message }
        : { kind: 'not_sent', reason: `the file could not be uploaded (${textOf(error)})` };
    }
  }

  /** Writes the message. Settles only if that fails; success waits for the answer. */
  async #write(progress: Progress, write: Write): Promise<SendOutcome> {
    try {
      await this.#progress.run(progress, write);
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

  async #targetKey(chatJid: string, { target }: OutgoingReaction): Promise<WAMessageKey> {
    const { id, senderJid, fromMe } = target;
    const isNamed = isGroup(chatJid) && !fromMe;
    const participant = isNamed ? { participant: await this.#nameIn(chatJid, senderJid) } : {};
    return { remoteJid: chatJid, id, fromMe, ...participant };
  }

  /** The quoted message in the form in which Baileys takes it. */
  async #quoted(chatJid: string, quoted: Quoted | undefined): Promise<WAMessage | undefined> {
    if (quoted === undefined) return undefined;
    const { id, senderJid, text } = quoted;
    // For the account's own message Baileys puts its number, whatever the group goes by (rc14): so it is named as any other.
    const author = isGroup(chatJid)
      ? { fromMe: false, participant: await this.#nameIn(chatJid, senderJid) }
      : { fromMe: this.#options.identity.isOwner(senderJid) };
    return { key: { remoteJid: chatJid, id, ...author }, message: { conversation: text } };
  }

  async #nameIn(chatJid: string, personJid: string): Promise<string> {
    return isGroup(chatJid) ? this.#options.memberName(chatJid, personJid) : personJid;
  }
}

function contentOf(message: OutgoingText): AnyMessageContent {
  // Without the null Baileys would fetch every link in the text from here.
  return { text: formatForWhatsApp(message.text), linkPreview: null };
}

/** @param author who wrote the quoted message, as phones know them in that chat */
function textMessage({ text, quoted }: OutgoingText, author: string | undefined): proto.IMessage {
  const contextInfo = quoted &&
    author && {
      stanzaId: quoted.id,
      participant: author,
      quotedMessage: { conversation: quoted.text },
    };
  return { extendedTextMessage: { text: formatForWhatsApp(text), ...(contextInfo && { contextInfo }) } };
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
    ...(error === RESTRICTED && { restricted: true }),
  };
}

/** The error of a send that the account's restriction forbids. */
const RESTRICTED = '463';

const REFUSALS: Readonly<Record<string, string>> = {
  [RESTRICTED]:
    'WhatsApp restricts this account: it may not begin chats with people it has not talked to (463)',
  479: 'WhatsApp found the message malformed, perhaps for a device that is no longer linked (479)',
};

function attribute(node: unknown, name: string): string | undefined {
  if (typeof node !== 'object' || node === null || !('attrs' in node)) return undefined;
  const { attrs } = node;
  if (typeof attrs !== 'object' || attrs === null) return undefined;
  const value: unknown = Reflect.get(attrs, name);
  return typeof value === 'string' ? value : undefined;
}
