import { type proto, type WAMessage, WAMessageStubType } from '@whiskeysockets/baileys';
import { type Clock, SECOND } from '../../clock.ts';
import type { Log } from '../../log.ts';
import { withWellFormedTexts } from '../../protocol/graphemes.ts';
import type { ChannelListener, ChatInfo, InboundMessage, MessageChange } from '../channel.ts';
import { type Act, actOf } from './acts.ts';
import type { Contacts } from './contacts.ts';
import { type DisappearingTimers, timerIn } from './disappearing.ts';
import type { Identity } from './identity.ts';
import { isGroup } from './jid.ts';
import { attachmentOf } from './media.ts';
import { readMentions } from './mentions.ts';
import { type MessageText, messageText, quotedText, withKind } from './message-text.ts';
import { timeOf } from './timestamp.ts';
import { isAssistantId } from './wire-id.ts';

const LAST_MS_OF_SECOND = SECOND - 1;

/** Picture, video or voice: that is not told. */
const ONLY_ON_PHONE: MessageText = {
  text: '[a view-once message, which can only be opened on the phone]',
  context: undefined,
};

export interface InboundOptions {
  readonly listener: Pick<ChannelListener, 'onMessage' | 'onChange' | 'onChat'>;
  readonly identity: Identity;
  readonly contacts: Contacts;
  readonly groupName: (jid: string) => string | undefined;
  readonly timers: Pick<DisappearingTimers, 'note'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What one message is for the core: a message of its own, or what it does to an earlier one. */
export type Told =
  | { readonly kind: 'message'; readonly message: InboundMessage }
  | { readonly kind: 'change'; readonly change: MessageChange };

/** Where a message belongs and who wrote it, in their one form. */
type Frame = Pick<InboundMessage, 'chatJid' | 'id' | 'senderJid' | 'senderName' | 'timestamp' | 'fromMe'>;

/**
 * What became of a message:
 *
 * - `taken`: the core has committed it, or it is none for it
 * - `held`: the core has it and could not commit it yet
 * - `refused`: it could not be read, or the core failed at it
 */
export type Taking = 'taken' | 'held' | 'refused';

/**
 * From Baileys' messages to ours. Every message is taken by itself: one that cannot be read, or that the listener
 * does not take, is logged and the next one follows. Both kinds of delivery come here, `notify` and `append`: the
 * assistant's own sends are `append`, which the core knows by their ids.
 */
export class Inbound {
  readonly #options: InboundOptions;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /**
   * @param later told of one that was not returned, when the core has committed it after all
   * @returns those that need not be brought again: the core has committed them, or they are none for it
   */
  take(messages: readonly WAMessage[], later?: (message: WAMessage) => void): readonly WAMessage[] {
    return messages.filter((message) => this.takeOne(message, () => later?.(message)) === 'taken');
  }

  /** @param later called when a held message has been committed after all */
  takeOne(message: WAMessage, later: () => void): Taking {
    try {
      return this.#tell(message, later) ? 'taken' : 'held';
    } catch (error) {
      const { id, remoteJid } = message.key ?? {};
      this.#options.log.error({ err: error, id, chat: remoteJid }, 'A message could not be taken in');
      return 'refused';
    }
  }

  #tell(message: WAMessage, later: () => void): boolean {
    const { listener, log } = this.#options;
    const parsed = this.parse(message);
    if (typeof parsed === 'string') {
      log.debug({ id: message.key?.id, chat: message.key?.remoteJid }, `Message skipped: ${parsed}`);
      return true;
    }
    if (parsed.kind === 'change') return listener.onChange(parsed.change, later);
    const isCommitted = listener.onMessage(parsed.message, later);
    if (isCommitted) this.#tellChat(parsed.message);
    return isCommitted;
  }

  /** A chat's name comes again; what keeps it from being stored must not keep the message. */
  #tellChat(message: InboundMessage): void {
    const { listener, log } = this.#options;
    try {
      listener.onChat(this.#chatOf(message));
    } catch (error) {
      log.error({ err: error, chat: message.chatJid }, 'The name of a chat could not be recorded');
    }
  }

  /** What the message tells, or in words why it is none for the core. */
  parse(message: WAMessage): Told | string {
    const { identity, contacts, clock } = this.#options;
    const { key } = message;
    const chatJid = identity.chat(key);
    if (chatJid === undefined) return 'no chat with people';
    if (!key.id) return 'no id';
    const senderJid = identity.sender(key);
    if (senderJid === undefined) return 'no sender';
    if (!key.fromMe) contacts.learn(senderJid, message.pushName);
    if (message.messageStubType === WAMessageStubType.CIPHERTEXT) return 'not decrypted; asked for again';
    const frame: Frame = {
      chatJid,
      id: key.id,
      senderJid,
      // The owner's first message brings the name that the account is given after it.
      senderName: contacts.heard(senderJid) ?? (message.pushName?.trim() || contacts.nameOf(senderJid)),
      timestamp: timeOf(message.messageTimestamp, clock.now()),
      fromMe: key.fromMe === true,
    };
    this.#noteTimer(message.message, frame);
    const act = actOf(message.message);
    // A phone's words are bytes, and some decode to half a character.
    return withWellFormedTexts(act === undefined ? this.#message(message, frame) : this.#act(act, frame));
  }

  /** What keeps the chat's timer from being stored must not keep the message. */
  #noteTimer(message: WAMessage['message'], { chatJid, timestamp }: Frame): void {
    const { timers, log } = this.#options;
    const timer = timerIn(message, timestamp);
    if (timer === undefined) return;
    try {
      timers.note(chatJid, timer, timestamp);
    } catch (error) {
      log.error({ err: error, chat: chatJid }, 'The timer of disappearing messages could not be recorded');
    }
  }

  #message({ key, message }: WAMessage, frame: Frame): Told | string {
    const content = key.isViewOnce && !message ? ONLY_ON_PHONE : messageText(message);
    if (content === undefined) return 'it says nothing';
    const attachment = content.media && attachmentOf(content.media, key);
    // A file that cannot be fetched is named in its place.
    const text = attachment === undefined ? withKind(content) : content.text;
    const { identity, contacts } = this.#options;
    return {
      kind: 'message',
      message: {
        ...frame,
        ...readMentions(text, content.context, identity, contacts),
        ...(isAssistantId(frame.id) && { fromAssistant: true }),
        isGroup: isGroup(frame.chatJid),
        replyTo: this.#replyTo(content.context),
        ...(attachment !== undefined && { attachments: [attachment] }),
      },
    };
  }

  #act(act: Act, frame: Frame): Told | string {
    const { chatJid, senderJid, senderName, timestamp } = frame;
    const id = act.target.id ?? '';
    switch (act.kind) {
      case 'tells':
        return {
          kind: 'message',
          message: {
            ...frame,
            text: act.text,
            isGroup: isGroup(chatJid),
            isContext: true,
            replyTo: { id, senderName: '', text: '' },
          },
        };
      case 'delete':
        return { kind: 'change', change: { kind: 'delete', chatJid, id, senderJid, senderName, timestamp } };
      case 'edit': {
        const content = messageText(act.message);
        if (content === undefined) return 'an edit that says nothing';
        const { identity, contacts } = this.#options;
        return {
          kind: 'change',
          change: {
            kind: 'edit',
            chatJid,
            id,
            editId: frame.id,
            senderJid,
            senderName,
            fromMe: frame.fromMe,
            ...(isAssistantId(id) && { fromAssistant: true }),
            ...readMentions(content.text, content.context, identity, contacts),
            // Its writer's clock says anything; the platform's, which counts seconds, says when it came at the latest.
            timestamp: Math.min(act.at ?? timestamp, timestamp + LAST_MS_OF_SECOND),
          },
        };
      }
    }
  }

  #replyTo(context: proto.IContextInfo | undefined): InboundMessage['replyTo'] {
    if (!context?.stanzaId || !context.quotedMessage) return undefined;
    const { identity, contacts } = this.#options;
    const author = identity.person(context.participant);
    const quoted = messageText(context.quotedMessage)?.context;
    return {
      id: context.stanzaId,
      senderJid: author,
      senderName: author === undefined ? '' : contacts.nameOf(author),
      text: readMentions(quotedText(context.quotedMessage), quoted, identity, contacts).text,
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
