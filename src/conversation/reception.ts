import type { InboundMessage, InboundQuote, MessageChange } from '../channel/channel.ts';
import { type Clock, parseInstant, SECOND } from '../clock.ts';
import type { Log } from '../log.ts';
import type { CommitQueue } from '../store/commit-queue.ts';
import { isTroubleOfDatabase } from '../store/database.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { Waker } from '../waker.ts';
import { Changes } from './changes.ts';
import type { LoopBreaker } from './loop-breaker.ts';
import { triggerNotice } from './notices.ts';
import { originalOf } from './quotations.ts';
import { triggersByReply } from './replies.ts';
import type { SenderAllowlist } from './sender-allowlist.ts';
import { calls, namesAssistant, silenceOf } from './trigger.ts';

export interface ReceptionOptions {
  readonly store: Store;
  readonly loops: Pick<LoopBreaker, 'heldUntil'>;
  readonly senders: Pick<SenderAllowlist, 'refresh' | 'judge' | 'noteDenied'>;
  /** What the channel told before: a message's chat may be registered by it. Absent: nothing is kept there. */
  readonly commits?: Pick<CommitQueue, 'flush'> | undefined;
  /** What every message of the assistant begins with on a number that it shares with the owner; undefined on its own. */
  readonly ownPrefix: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: Pick<Timings, 'workFailurePauseMs'>;
}

interface Waiting {
  readonly news: InboundMessage | MessageChange;
  /** Told of the commit when the channel was told that it must wait; undefined until then. */
  later?: (() => void) | undefined;
}

/**
 * Takes what comes from the channel into the store. A message is a row before anything else happens. While the database
 * takes nothing (an operator's open transaction, a full disk) messages wait in memory, in order; what still waits when the
 * process ends, the channel brings again at the next start. A message that is itself what fails holds nobody up.
 */
export class Reception {
  readonly #options: ReceptionOptions;
  readonly #store: Store;
  readonly #log: Log;
  readonly #changes: Changes;
  readonly #waiting: Waiting[] = [];
  readonly #waker: Waker;

  constructor(options: ReceptionOptions) {
    const { store, log } = options;
    this.#options = options;
    this.#store = store;
    this.#log = log;
    this.#changes = new Changes(options);
    this.#waker = new Waker((now) => this.#takeWaiting(now), options);
  }

  /**
   * @param later called when it is committed after false was returned
   * @returns whether it is committed; false: it is kept, to be committed as soon as the database lets it
   */
  onMessage(message: InboundMessage, later?: () => void): boolean {
    return this.#enqueue(message, later);
  }

  /** In its order among the messages. @returns as `onMessage` does */
  onChange(change: MessageChange, later?: () => void): boolean {
    return this.#enqueue(change, later);
  }

  #enqueue(news: InboundMessage | MessageChange, later: (() => void) | undefined): boolean {
    let isCommitted = false;
    const waiting: Waiting = {
      news,
      later: () => {
        isCommitted = true;
      },
    };
    this.#waiting.push(waiting);
    // Behind others that wait, this one's turn comes when the timer rings.
    if (this.#waiting.length === 1) this.#waker.wake();
    waiting.later = later;
    return isCommitted;
  }

  /** Tries a last time and keeps nothing running. */
  stop(): void {
    this.#waker.wake();
    this.#waker.stop();
    if (this.#waiting.length > 0) {
      this.#log.error(
        { messages: this.#waiting.length },
        'The database took nothing until the end: what came in meanwhile is taken at the next start',
      );
    }
  }

  #takeWaiting(now: number): number | undefined {
    if (this.#waiting.length > 0 && this.#options.commits?.flush() === false) return now + SECOND;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const { news } = first;
      try {
        this.#commit(news);
      } catch (error) {
        const facts = { err: error, chat: news.chatJid, message: news.id, waiting: this.#waiting.length };
        if (isTroubleOfDatabase(error)) {
          this.#log.error(facts, 'A message cannot be stored yet, it will be tried again');
          return now + SECOND;
        }
        this.#log.error(facts, 'A message cannot be stored, it is left out until the next start');
        this.#waiting.shift();
        continue;
      }
      this.#waiting.shift();
      first.later?.();
    }
    return undefined;
  }

  /** What starts no turn or changes nothing says why at debug. */
  #commit(news: InboundMessage | MessageChange): void {
    this.#options.senders.refresh();
    const reason = this.#store.transaction(() =>
      'kind' in news
        ? this.#changes.apply(this.#underCurrentNames(news))
        : this.#take(this.#underCurrentNames(news)),
    );
    if (reason === undefined) return;
    const facts = { chat: news.chatJid, message: news.id };
    this.#log.debug(facts, 'kind' in news ? `Not changed by ${news.kind}: ${reason}` : `No turn: ${reason}`);
  }

  /** The address of a person may have been replaced by another one. */
  #underCurrentNames<T extends InboundMessage | MessageChange>(news: T): T {
    const { samePerson } = this.#store;
    const { chatJid, senderJid } = news;
    return { ...news, chatJid: samePerson.current(chatJid), senderJid: samePerson.current(senderJid) };
  }

  /** @returns why the message starts no turn; undefined when it does */
  #take(message: InboundMessage): string | undefined {
    const store = this.#store;
    if (message.fromMe && store.outbox.findByWireId(message.id) !== undefined)
      return 'the assistant sent it itself';
    const standing = this.#options.senders.judge(message);
    if (standing === 'dropped') {
      this.#options.senders.noteDenied(message, standing);
      return 'its sender is not allowed, and nothing of it is stored';
    }
    store.chats.note({
      jid: message.chatJid,
      // In a direct chat the other side's name is the chat's; the owner's own name is not.
      name: message.isGroup || message.fromMe ? undefined : message.senderName,
      isGroup: message.isGroup,
      lastActivity: message.timestamp,
    });
    if (message.isGroup) store.members.noteName(message.chatJid, message.senderJid, message.senderName);
    const group = store.groups.find(message.chatJid);
    if (group === undefined) return 'the chat is not registered';
    if (this.#changes.wasDeletedByAdmin(message)) return 'an admin deleted it before it came';
    const { ownPrefix } = this.#options;
    const isReply = triggersByReply(store, group, message.replyTo);
    const isCall = isReply || calls(message, { trigger: group.trigger, ownPrefix });
    const wantsAnswer = isCall || !group.requiresTrigger;
    const silence = silenceOf(message, { standing, ownPrefix });
    const heldUntil =
      wantsAnswer && silence === undefined ? this.#options.loops.heldUntil(message) : undefined;
    const isHeld = heldUntil !== undefined;
    const isTrigger = isCall && silence === undefined && !isHeld;
    const added = store.messages.add({
      id: message.id,
      chatJid: message.chatJid,
      sender: message.senderJid,
      senderName: message.senderName,
      text: message.text,
      timestamp: message.timestamp,
      fromMe: message.fromMe,
      isTrigger,
      isContext: silence !== undefined || isHeld,
      heldUntil,
      replyTo: this.#quote(message),
    });
    if (!added) return this.#complete(message, { isTrigger: isReply && silence === undefined, heldUntil });
    store.attachments.add(message, message.attachments ?? [], this.#options.clock.now());
    if (isCall && standing === 'context') this.#options.senders.noteDenied(message, standing);
    if (isHeld) return `it waits until ${new Date(heldUntil).toISOString()}`;
    if (silence !== undefined || isTrigger || !group.requiresTrigger) return silence;
    if (group.isMain && namesAssistant(message.text, group.trigger)) this.#explainTrigger(group);
    return `it does not begin with ${group.trigger}`;
  }

  /** Once, ever. */
  #explainTrigger({ jid, trigger }: Pick<RegisteredGroup, 'jid' | 'trigger'>): void {
    const { store, clock } = this.#options;
    if (store.state.get('explained:trigger') !== undefined) return;
    const now = clock.now();
    store.state.set('explained:trigger', new Date(now).toISOString());
    const message = { kind: 'text', text: triggerNotice(trigger) } as const;
    store.outbox.add({ chatJid: jid, message, source: 'notice' }, now);
  }

  /**
   * An edit that came before its message stands in for it, and its text stays: the files and the quote come with the message.
   * @param reply whether what it quotes triggers, and until when the loop guard holds that
   * @returns why the message starts no turn; undefined when it does
   */
  #complete(
    message: InboundMessage,
    reply: { readonly isTrigger: boolean; readonly heldUntil: number | undefined },
  ): string | undefined {
    const { messages, attachments } = this.#store;
    const { chatJid, id, senderJid } = message;
    const stored = messages
      .versions(chatJid, id)
      .find(({ sender, editOf }) => sender === senderJid && editOf === null);
    if (stored !== undefined && stored.editedAt !== null && stored.deletedAt === null) {
      const quote = this.#quote(message);
      const isFirst = quote !== undefined && stored.replyToId === null;
      if (isFirst) messages.quote(stored.seq, quote);
      if (attachments.ofMessages([stored.seq]).length === 0)
        attachments.add(message, message.attachments ?? [], this.#options.clock.now());
      const isWaiting = stored.isShown === 0 && stored.seq > messages.cursor(chatJid);
      if (isFirst && isWaiting && reply.isTrigger) {
        const { heldUntil } = reply;
        const isHeld = heldUntil !== undefined;
        const at = parseInstant(stored.editedAt);
        messages.rewrite(stored.seq, {
          text: stored.text,
          isTrigger: !isHeld,
          isContext: isHeld,
          heldUntil,
          at,
        });
        if (!isHeld) return undefined;
      }
    }
    return 'it was received already';
  }

  /**
   * What is quoted, as it is stored where it is; without the words of somebody of whom nothing is stored, and without what was
   * deleted.
   */
  #quote({ chatJid, replyTo }: InboundMessage): InboundQuote | undefined {
    if (replyTo === undefined) return undefined;
    const original = originalOf(this.#store, chatJid, replyTo.id);
    const senderJid = original === undefined ? replyTo.senderJid : original.stored?.sender;
    const isHidden =
      original?.stored?.deletedAt != null ||
      (senderJid !== undefined && this.#options.senders.judge({ chatJid, senderJid }) === 'dropped');
    const { senderName, text } = original ?? replyTo;
    return { ...replyTo, senderName, text: isHidden ? '' : text };
  }
}
