import { type proto, toNumber, type WAMessage, WAMessageStubType } from '@whiskeysockets/baileys';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { ChannelListener, ChatInfo, InboundMessage } from '../channel.ts';
import type { Contacts } from './contacts.ts';
import type { Identity } from './identity.ts';
import { isGroup } from './jid.ts';
import { messageText } from './message-text.ts';

export interface InboundOptions {
  readonly listener: Pick<ChannelListener, 'onMessage' | 'onChat'>;
  readonly identity: Identity;
  readonly contacts: Contacts;
  readonly groupName: (jid: string) => string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * From Baileys' messages to ours. Every message is taken by itself: one that cannot be read, or that the listener
 * does not take, is logged and the next one follows. Both kinds of delivery come here, `notify` and `append`: the
 * backlog of an outage is `append`, and so are the assistant's own sends, which the core knows by their ids.
 */
export class Inbound {
  readonly #options: InboundOptions;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  take(messages: readonly WAMessage[]): void {
    for (const message of messages) {
      try {
        this.#takeOne(message);
      } catch (error) {
        const { id, remoteJid } = message.key ?? {};
        this.#options.log.error({ err: error, id, chat: remoteJid }, 'A message could not be taken in');
      }
    }
  }

  #takeOne(message: WAMessage): void {
    const { listener, log } = this.#options;
    const parsed = this.parse(message);
    if (typeof parsed === 'string') {
      log.debug({ id: message.key?.id, chat: message.key?.remoteJid }, `Message skipped: ${parsed}`);
      return;
    }
    listener.onChat(this.#chatOf(parsed));
    listener.onMessage(parsed);
  }

  /** The message, or in words why it is none for the core. */
  parse(message: WAMessage): InboundMessage | string {
    const { identity, contacts, clock } = this.#options;
    const { key } = message;
    const chatJid = identity.chat(key);
    if (chatJid === undefined) return 'no chat with people';
    if (!key.id) return 'no id';
    const senderJid = identity.sender(key);
    if (senderJid === undefined) return 'no sender';
    if (!key.fromMe) contacts.learn(senderJid, message.pushName);
    if (message.messageStubType === WAMessageStubType.CIPHERTEXT) return 'not decrypted; asked for again';
    const content = messageText(message.message);
    if (content === undefined) return 'no text';
    const seconds = toNumber(message.messageTimestamp);
    return {
      chatJid,
      id: key.id,
      senderJid,
      senderName: contacts.nameOf(senderJid),
      text: content.text,
      timestamp: seconds > 0 ? seconds * 1_000 : clock.now(),
      fromMe: key.fromMe === true,
      isGroup: isGroup(chatJid),
      replyTo: this.#replyTo(content.context),
    };
  }

  #replyTo(context: proto.IContextInfo | undefined): InboundMessage['replyTo'] {
    if (!context?.stanzaId || !context.quotedMessage) return undefined;
    const author = this.#options.identity.person(context.participant);
    return {
      id: context.stanzaId,
      senderName: author === undefined ? '' : this.#options.contacts.nameOf(author),
      text: messageText(context.quotedMessage)?.text ?? '',
    };
  }

  #chatOf(message: InboundMessage): ChatInfo {
    const { contacts, groupName } = this.#options;
    return {
      jid: message.chatJid,
      name: message.isGroup ? groupName(message.chatJid) : contacts.heard(message.chatJid),
      isGroup: message.isGroup,
      lastActivity: message.timestamp,
    };
  }
}
