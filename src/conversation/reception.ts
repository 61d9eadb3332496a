import type { ChatInfo, InboundMessage } from '../channel/channel.ts';
import { type Clock, SECOND } from '../clock.ts';
import type { Log } from '../log.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { Store } from '../store/store.ts';
import { Waker } from '../waker.ts';
import { callsAssistant } from './trigger.ts';

/**
 * Takes what comes from the channel into the store. A message is a row before anything else happens. While the database
 * takes nothing (an operator's open transaction, a full disk) messages wait in memory, in order: their receipts have left,
 * so nobody would send them again.
 */
export class Reception {
  readonly #store: Store;
  readonly #log: Log;
  readonly #waiting: InboundMessage[] = [];
  readonly #waker: Waker;

  constructor(store: Store, clock: Clock, log: Log) {
    this.#store = store;
    this.#log = log;
    this.#waker = new Waker((now) => this.#takeWaiting(now), clock, log);
  }

  onChat(chat: ChatInfo): void {
    this.#store.chats.note(chat);
  }

  /** Returns when the message is committed, or kept to be committed as soon as the database lets it. */
  onMessage(message: InboundMessage): void {
    this.#waiting.push(message);
    // Behind others that wait, this one's turn comes when the timer rings.
    if (this.#waiting.length === 1) this.#waker.wake();
  }

  /** Tries a last time and keeps nothing running. */
  stop(): void {
    this.#waker.wake();
    this.#waker.stop();
    if (this.#waiting.length > 0) {
      this.#log.error(
        { messages: this.#waiting.length },
        'Messages are lost: the database took nothing until the end',
      );
    }
  }

  #takeWaiting(now: number): number | undefined {
    for (let message = this.#waiting[0]; message !== undefined; message = this.#waiting[0]) {
      try {
        this.#commit(message);
      } catch (error) {
        const facts = {
          err: error,
          chat: message.chatJid,
          message: message.id,
          waiting: this.#waiting.length,
        };
        this.#log.error(facts, 'A message cannot be stored yet, it will be tried again');
        return now + SECOND;
      }
      this.#waiting.shift();
    }
    return undefined;
  }

  /** A message that starts no turn says why at debug. */
  #commit(message: InboundMessage): void {
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
