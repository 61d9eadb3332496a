import type { InboundMessage, MessageChange } from '../channel/channel.ts';
import { parseInstant } from '../clock.ts';
import type { NewMessage, StoredMessage } from '../store/messages.ts';
import type { Store } from '../store/store.ts';
import type { LoopBreaker } from './loop-breaker.ts';
import { triggersByReply } from './replies.ts';
import type { SenderAllowlist } from './sender-allowlist.ts';
import { calls, silenceOf } from './trigger.ts';

type Edit = Extract<MessageChange, { kind: 'edit' }>;
type Deletion = Extract<MessageChange, { kind: 'delete' }>;

export interface ChangesOptions {
  readonly store: Store;
  readonly senders: Pick<SenderAllowlist, 'judge'>;
  readonly loops: Pick<LoopBreaker, 'heldUntil'>;
  /** As reception has it. */
  readonly ownPrefix: string | undefined;
}

/**
 * What becomes of a stored message that its author edits or somebody deletes.
 *
 * - As long as no prompt has shown it, an edit stands in its place: it calls or does so no more, as the new text says.
 * - Once shown, the agent has the old text or its answer is given: the new text is a message of its own behind it, which
 *   names the old one. Before the answer it triggers whenever the old text did, so that the agent hears of it; after the
 *   answer it triggers only if no earlier text did.
 * - A deletion takes the text out of the database in either case, with all that it was edited to. What was shown is told of
 *   as deleted, where it is shown again; what was not is as if it had never been.
 * - A change that overtakes its message stands in for it: when the message comes, it is known already.
 *
 * All of it may be told twice.
 */
export class Changes {
  readonly #options: ChangesOptions;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** To be called in a transaction. @returns why nothing has changed; undefined when something has */
  apply(change: MessageChange): string | undefined {
    const { store, senders } = this.#options;
    if (store.outbox.findByWireId(change.id) !== undefined) return 'the assistant wrote it';
    if (senders.judge(change) === 'dropped') return 'its sender is not allowed';
    if (store.groups.find(change.chatJid) === undefined) return 'the chat is not registered';
    const versions = store.messages.versions(change.chatJid, change.id);
    return change.kind === 'edit' ? this.#edit(change, versions) : this.#delete(change, versions);
  }

  /** Whether an admin of the group deleted a message before it came; what its author took back finds its place taken. */
  wasDeletedByAdmin({
    chatJid,
    id,
    senderJid,
  }: Pick<InboundMessage, 'chatJid' | 'id' | 'senderJid'>): boolean {
    const versions = this.#options.store.messages.versions(chatJid, id);
    return versions.some(
      ({ sender, deletedAt }) =>
        deletedAt !== null && sender !== senderJid && this.#mayDeleteOthers({ chatJid, senderJid: sender }),
    );
  }

  #edit(edit: Edit, all: readonly StoredMessage[]): string | undefined {
    const { store } = this.#options;
    const { messages } = store;
    const versions = all.filter(({ sender }) => sender === edit.senderJid);
    const current = versions.at(-1);
    const { wantsToCall, isCall, silence, heldUntil } = this.#judge(edit, versions);
    const isHeld = heldUntil !== undefined;
    if (current === undefined) {
      if (all.length > 0) return 'somebody else wrote it';
      this.#add(edit, {
        id: edit.id,
        isTrigger: isCall,
        isContext: silence !== undefined || isHeld,
        heldUntil,
      });
      return undefined;
    }
    if (versions.some(({ deletedAt }) => deletedAt !== null)) return 'it was deleted';
    if (current.text === edit.text) return 'it says that already';
    if (current.editedAt !== null && parseInstant(current.editedAt) > edit.timestamp)
      return 'it was edited again since';
    const earlier = current.editOf === null ? [] : versions.slice(0, -1);
    const isWaiting = current.isShown === 0 && current.seq > messages.cursor(edit.chatJid);
    if (isWaiting) {
      const isUnanswered = this.#isUnanswered(edit, earlier);
      const isFirst = isUnanswered || !earlier.some((version) => version.isTrigger === 1);
      const isHeard = isUnanswered && silence === undefined && !isHeld;
      const isTrigger = (isCall && isFirst) || isHeard;
      const wasContext = current.isContext === 1 && current.heldUntil === null;
      const isSilent = silence !== undefined || isHeld || wasContext || current.editOf !== null;
      const isContext = isSilent && !isTrigger;
      messages.rewrite(current.seq, {
        text: edit.text,
        isTrigger,
        isContext,
        heldUntil: isFirst ? heldUntil : undefined,
        at: edit.timestamp,
      });
      return undefined;
    }
    const isUnanswered = this.#isUnanswered(edit, versions);
    const isFirst = isUnanswered || !versions.some((version) => version.isTrigger === 1);
    const isHeard = isUnanswered && silence === undefined && !isHeld;
    const isTrigger = (isCall && isFirst) || isHeard;
    // Of several versions the newest alone triggers when the time has come.
    for (const { seq, heldUntil: held } of versions) if (held !== null) messages.hold(seq, null);
    const replyTo = { id: edit.id, senderName: current.senderName, text: current.text };
    const added = this.#add(edit, {
      id: edit.editId,
      editOf: edit.id,
      replyTo,
      isTrigger,
      isContext: !isTrigger,
      heldUntil: isFirst && wantsToCall ? heldUntil : undefined,
    });
    return added ? undefined : 'it was received already';
  }

  /** Whether one of the versions triggers a turn that has not answered it yet. */
  #isUnanswered({ chatJid }: Edit, versions: readonly StoredMessage[]): boolean {
    const { messages, groups } = this.#options.store;
    const requiresTrigger = groups.find(chatJid)?.requiresTrigger !== false;
    const cursor = messages.cursor(chatJid);
    return versions.some(
      ({ seq, isTrigger, isContext }) =>
        seq > cursor && (requiresTrigger ? isTrigger === 1 : isContext === 0),
    );
  }

  /** @param versions what has come of the message so far */
  #judge(
    edit: Edit,
    versions: readonly StoredMessage[],
  ): {
    wantsToCall: boolean;
    isCall: boolean;
    silence: string | undefined;
    heldUntil: number | undefined;
  } {
    const { store, senders, loops, ownPrefix } = this.#options;
    const group = store.groups.find(edit.chatJid);
    const { trigger = '', requiresTrigger = true } = group ?? {};
    const silence = silenceOf(edit, { standing: senders.judge(edit), ownPrefix });
    const isReply =
      group !== undefined &&
      versions.some(
        ({ editOf, replyToId: id }) =>
          editOf === null && id !== null && triggersByReply(store, group, { id }),
      );
    const wantsToCall = silence === undefined && (isReply || calls(edit, { trigger, ownPrefix }));
    const wantsAnswer = wantsToCall || (silence === undefined && !requiresTrigger);
    const hasTriggered = versions.some(
      ({ isTrigger, isContext, heldUntil: held }) =>
        held !== null || (requiresTrigger ? isTrigger === 1 : isContext === 0),
    );
    const heldUntil = wantsAnswer ? loops.heldUntil(edit, hasTriggered) : undefined;
    return { wantsToCall, silence, isCall: wantsToCall && heldUntil === undefined, heldUntil };
  }

  #add(
    edit: Edit,
    row: Pick<NewMessage, 'id' | 'editOf' | 'replyTo' | 'isTrigger' | 'isContext' | 'heldUntil'>,
  ): boolean {
    return this.#options.store.messages.add({
      chatJid: edit.chatJid,
      sender: edit.senderJid,
      senderName: edit.senderName,
      text: edit.text,
      timestamp: edit.timestamp,
      editedAt: edit.timestamp,
      fromMe: edit.fromMe,
      ...row,
    });
  }

  #delete(deletion: Deletion, all: readonly StoredMessage[]): string | undefined {
    const { store } = this.#options;
    const { chatJid, id } = deletion;
    const own = all.filter(({ sender }) => sender === deletion.senderJid);
    if (all.length === 0) return this.#deleteUnseen(deletion);
    if (own.length === 0 && !this.#mayDeleteOthers(deletion)) return 'somebody else wrote it';
    const left = (own.length > 0 ? own : all).filter(({ deletedAt }) => deletedAt === null);
    if (left.length === 0) return 'it was deleted already';
    for (const { seq } of left) store.messages.erase(chatJid, id, seq, deletion.timestamp);
    store.outbox.eraseQuotes(chatJid, id);
    return undefined;
  }

  /** The message itself may come yet: it finds its place taken. */
  #deleteUnseen({ chatJid, id, senderJid, senderName, timestamp }: Deletion): undefined {
    const { messages } = this.#options.store;
    messages.add({
      id,
      chatJid,
      sender: senderJid,
      senderName,
      text: '',
      timestamp,
      fromMe: false,
      isTrigger: false,
      isContext: true,
    });
    for (const { seq } of messages.versions(chatJid, id)) messages.erase(chatJid, id, seq, timestamp);
  }

  /** Only an admin of a group may; WhatsApp sees to that as well, where the list of members is not known yet. */
  #mayDeleteOthers({ chatJid, senderJid }: Pick<Deletion, 'chatJid' | 'senderJid'>): boolean {
    const { store } = this.#options;
    if (store.chats.find(chatJid)?.isGroup !== true) return false;
    const members = store.members.of(chatJid);
    return members.length === 0 || members.some(({ jid, isAdmin }) => jid === senderJid && isAdmin);
  }
}
