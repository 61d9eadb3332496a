import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type AnyMessageContent,
  generateWAMessage,
  type proto,
  type WAMessage,
  type WAMessageKey,
  type WASocket,
} from '@whiskeysockets/baileys';
import type { Log } from '../../log.ts';
import type {
  Outgoing,
  OutgoingFile,
  OutgoingReaction,
  OutgoingText,
  Quoted,
  SendOutcome,
} from '../channel.ts';
import type { Addresses } from './addresses.ts';
import { baileysLog } from './baileys-log.ts';
import { type DisappearingTimers, disappearing } from './disappearing.ts';
import { codeOf, textOf } from './errors.ts';
import { formatForWhatsApp } from './formatting.ts';
import type { Identity } from './identity.ts';
import { bareUser, isGroup, personAddress } from './jid.ts';
import { FileLostError, type Uploader, uploadFile } from './outgoing-file.ts';
import type { Uploads } from './uploads.ts';

/** What of a socket sends. */
export type Sender = Pick<WASocket, 'relayMessage' | 'waitForMessage'> & Uploader;

/** How a person is named in a group, for phones to find what they wrote there. Never rejects. */
export type MemberName = (groupJid: string, personJid: string) => Promise<string>;

/** How people are addressed in direct chats: by LID where it is known, or always by phone number. */
export type Addressing = 'lid' | 'number';

export interface OutboundOptions {
  readonly identity: Identity;
  readonly addressing: Addressing;
  readonly addresses: Addresses;
  readonly memberName: MemberName;
  readonly uploads: Uploads;
  readonly timers: Pick<DisappearingTimers, 'of'>;
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
 * Sends, and says how each ended. `relayMessage` resolves as soon as the bytes are written, so only the server's answer
 * to the wire id counts; and waiting for it begins before the send, for it may come before `relayMessage` resolves.
 *
 * Direct messages go to the LID where one is known: what was sent to a number, the owner's own chat above all, was
 * acknowledged and then not shown on the owner's phone. Baileys' `sendMessage` drops `additionalAttributes` (rc14), so
 * all goes by `relayMessage`.
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

  /** How the chat is addressed on the wire; the same for groups and for people whose LID is not known. */
  addressOf(chatJid: string): string {
    const { addressing, identity } = this.#options;
    return (addressing === 'lid' && identity.lid(chatJid)) || chatJid;
  }

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
    const { addresses, uploads, timers } = this.#options;
    const address = addresses.find(wireId) ?? this.addressOf(chatJid);
    const timer = timers.of(chatJid);
    switch (message?.kind) {
      case 'file': {
        const uploaded = uploads.find(wireId);
        return uploaded && disappearing(uploaded, timer);
      }
      case 'text': {
        const author = message.quoted && (await this.#nameIn(address, message.quoted.senderJid));
        return disappearing(textMessage(message, author), timer);
      }
      case 'reaction':
        return { reactionMessage: { key: await this.#targetKey(address, message), text: message.emoji } };
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
    if (bareUser(chatJid) === '')
      return { kind: 'refused', code: undefined, reason: 'it is no WhatsApp chat' };
    try {
      const address = this.#addressFor(chatJid, messageId);
      const content =
        message.kind === 'file'
          ? await this.#upload(socket, address, message, messageId)
          : await this.#compose(socket, address, message, messageId);
      if ('kind' in content) return content;
      // What a device asks for again goes out by Baileys itself, without this attribute.
      const additionalAttributes = isByLid(address, chatJid) ? { peer_recipient_pn: chatJid } : {};
      const timed =
        message.kind === 'reaction' ? content : disappearing(content, this.#options.timers.of(chatJid));
      return () => socket.relayMessage(address, timed, { messageId, additionalAttributes });
    } catch (error) {
      return { kind: 'not_sent', reason: textOf(error) };
    }
  }

  /** A resend has the address of the first send. */
  #addressFor(chatJid: string, wireId: string): string {
    const { addresses } = this.#options;
    if (isGroup(chatJid)) return chatJid;
    const first = addresses.find(wireId);
    if (first !== undefined) return first;
    const address = this.addressOf(chatJid);
    addresses.save(wireId, address);
    return address;
  }

  async #compose(
    socket: Sender,
    address: string,
    message: OutgoingText | OutgoingReaction,
    messageId: string,
  ): Promise<proto.IMessage> {
    const content: AnyMessageContent =
      message.kind === 'text'
        ? contentOf(message)
        : { react: { text: message.emoji, key: await this.#targetKey(address, message) } };
    const quoted = message.kind === 'text' ? await this.#quoted(address, message.quoted) : undefined;
    const full = await generateWAMessage(address, content, {
      userJid: socket.user?.id ?? '',
      upload: socket.waUploadToServer,
      logger: baileysLog(this.#options.log),
      messageId,
      ...(quoted && { quoted }),
    });
    return full.message ?? {};
  }

  async #upload(
    socket: Sender,
    address: string,
    message: OutgoingFile,
    wireId: string,
  ): Promise<proto.IMessage | SendOutcome> {
    const { uploads, log } = this.#options;
    try {
      const known = uploads.find(wireId);
      if (known !== undefined) return known;
      const quoted = await this.#quoted(address, message.quoted);
      const content = await uploadFile(socket, { chatJid: address, message, wireId, quoted }, log);
      uploads.save(wireId, content);
      return content;
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

  async #targetKey(address: string, { target }: OutgoingReaction): Promise<WAMessageKey> {
    const { id, senderJid, fromMe } = target;
    const isNamed = isGroup(address) && !fromMe;
    const participant = isNamed ? { participant: await this.#nameIn(address, senderJid) } : {};
    return { remoteJid: address, id, fromMe, ...participant };
  }

  /** The quoted message in the form in which Baileys takes it. */
  async #quoted(address: string, quoted: Quoted | undefined): Promise<WAMessage | undefined> {
    if (quoted === undefined) return undefined;
    const { id, senderJid, text } = quoted;
    // For the account's own message Baileys puts its number, whatever the chat goes by (rc14): so it is named as any other.
    const author = { fromMe: false, participant: await this.#nameIn(address, senderJid) };
    return { key: { remoteJid: address, id, ...author }, message: { conversation: text } };
  }

  /** How phones know a person in the chat of that address. */
  async #nameIn(address: string, personJid: string): Promise<string> {
    const { memberName, identity } = this.#options;
    if (isGroup(address)) return memberName(address, personJid);
    return (isByLid(address, personJid) && identity.lid(personJid)) || personJid;
  }
}

/** Whether a person who is known by number is addressed by LID. */
function isByLid(address: string, personJid: string): boolean {
  return personAddress(address)?.kind === 'lid' && personAddress(personJid)?.kind === 'phone';
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
