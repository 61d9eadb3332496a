import type { ChatInfo, InboundMessage } from '../channel/channel.ts';
import type { Log } from '../log.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { Store } from '../store/store.ts';
import { callsAssistant } from './trigger.ts';

/** Takes what comes from the channel into the store. A message is a row before anything else happens. */
export class Reception {
  readonly #store: Store;
  readonly #log: Log;

  constructor(store: Store, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  onChat(chat: ChatInfo): void {
    this.#store.chats.note(chat);
  }

  /** Returns when the message is committed. A message that starts no turn says why at debug. */
  onMessage(message: InboundMessage): void {
    const reason = this.#store.transaction(() => this.#take(message));
    if (reason !== undefined)
      this.#log.debug({ chat: message.chatJid, message: message.id }, `No turn: ${reason}`);
  }

  /** @returns why the message starts no turn; undefined when it does */
  #take(message: InboundMessage): string | undefined {
    const store = this.#store;
    if (message.fromMe && store.outbox.findByWireId(message.id) !== undefined)
      return 'the assistant sent it itself';
    store.chats.note({
      jid: message.chatJid,
      // In a direct chat the other side's name is the chat's; the owner's own name is not.
      name: message.isGroup || message.fromMe ? undefined : message.senderName,
      isGroup: message.isGroup,
      lastActivity: message.timestamp,
    });
    const group = store.groups.find(message.chatJid);
    if (group === undefined) return 'the chat is not registered';
    const isTrigger = callsAssistant(message.text, group.trigger);
    const added = store.messages.add({
      id: message.id,
      chatJid: message.chatJid,
      sender: message.senderJid,
      senderName: message.senderName,
      text: message.text,
      timestamp: message.timestamp,
      fromMe: message.fromMe,
      isTrigger,
      replyTo: message.replyTo,
    });
    if (!added) return 'it was received already';
    return isTrigger || !group.requiresTrigger ? undefined : whyNot(group);
  }
}

function whyNot(group: RegisteredGroup): string {
  return `it does not begin with ${group.trigger}`;
}
