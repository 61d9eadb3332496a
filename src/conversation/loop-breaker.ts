import type { InboundMessage } from '../channel/channel.ts';
import { type Clock, HOUR, MINUTE, type NewId, parseInstant, SECOND } from '../clock.ts';
import type { Log } from '../log.ts';
import { formatTime } from '../schedule/schedule.ts';
import type { StateKey } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { Waker } from '../waker.ts';
import { limitInMain, limitNotice, muteNotice } from './notices.ts';

/**
 * A trigger that comes this soon after a reply was delivered answers the reply: no person reads and writes
 * that fast.
 */
const PROMPT_MS = 2 * SECOND;
/** So many replies in a row, each followed that soon by the next trigger of the same sender, are a loop. */
export const LOOP_REPLIES = 10;
/** How long a sender is muted, and how long a chat that has reached its limit waits at least. */
export const MUTE_MS = 15 * MINUTE;

export interface LoopBreakerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  readonly timezone: string;
  /** More turns a chat does not get within an hour; 0: no limit. */
  readonly maxTurnsPerHour: number;
  readonly timings: Pick<Timings, 'workFailurePauseMs'>;
}

/**
 * Keeps two assistants from answering each other without end.
 * - A sender whose triggers follow the replies to them within two seconds, ten times in a row, is muted for a
 *   while.
 * - A slower loop meets the limit of turns that a chat may have within an hour; the owner is notified.
 * Nothing is lost: a trigger that comes meanwhile waits, as context for others, and triggers when the time
 * has come. The owner is never muted and meets no limit.
 */
export class LoopBreaker {
  readonly #options: LoopBreakerOptions;
  readonly #waker: Waker;
  /**
   * Of each chat and sender: how many replies in a row were followed that soon, and the outbox's row of the
   * last one.
   */
  readonly #streaks = new Map<string, { readonly replies: number; readonly last: number }>();

  constructor(options: LoopBreakerOptions) {
    this.#options = options;
    this.#waker = new Waker((now) => this.#release(now), options);
  }

  /** Lets what has waited long enough trigger: on the event `messages`, and when the connection opens. */
  wake(): void {
    this.#waker.wake();
  }

  /** Keeps nothing running. */
  stop(): void {
    this.#waker.stop();
  }

  /**
   * To be asked of every message that triggers, in the transaction that stores it, before it is stored.
   * @param isEdit it is the new text of a message that has triggered before: it answers no reply, and ends no
   *   series of those that do
   * @returns until when it is to wait, in milliseconds since the epoch; undefined: it does not wait
   */
  heldUntil(
    message: Pick<InboundMessage, 'chatJid' | 'senderJid' | 'senderName' | 'fromMe'>,
    isEdit = false,
  ): number | undefined {
    if (this.#isOwner(message)) return undefined;
    return this.#mutedUntil(message, isEdit) ?? this.#limitedUntil(message.chatJid);
  }

  /** On whatever device, and under whichever address. */
  #isOwner({ senderJid, fromMe }: Pick<InboundMessage, 'senderJid' | 'fromMe'>): boolean {
    const { state, samePerson } = this.#options.store;
    const account = state.get('account');
    if (fromMe || account === undefined) return fromMe;
    return samePerson.current(senderJid) === samePerson.current(account);
  }

  #mutedUntil(
    { chatJid, senderJid, senderName }: Pick<InboundMessage, 'chatJid' | 'senderJid' | 'senderName'>,
    isEdit: boolean,
  ): number | undefined {
    const { clock, log, timezone } = this.#options;
    const key = `rest:${chatJid} ${senderJid}` as const;
    const muted = this.#stored(key, MUTE_MS);
    if (muted !== undefined || isEdit || !this.#closesLoop(chatJid, senderJid)) return muted;
    const until = this.#begin(key, clock.now() + MUTE_MS);
    this.#notify(chatJid, muteNotice(senderName, LOOP_REPLIES, formatTime(until, timezone)));
    log.warn(
      { chat: chatJid, sender: senderJid },
      'A sender triggered right after each reply: muted for a while',
    );
    return until;
  }

  /** Counts a trigger that follows the reply to its sender's one before; any other one ends the series. */
  #closesLoop(chatJid: string, senderJid: string): boolean {
    const { store, clock } = this.#options;
    const key = `${chatJid} ${senderJid}`;
    const reply = store.outbox.lastAnswer(chatJid);
    const since = reply?.settledAt == null ? 0 : clock.now() - parseInstant(reply.settledAt);
    const before =
      reply === undefined || since < 0 || since > PROMPT_MS
        ? undefined
        : store.messages.lastTriggerOf(chatJid, senderJid, reply.firstSeq);
    if (reply === undefined || before === undefined) {
      this.#streaks.delete(key);
      return false;
    }
    const streak = this.#streaks.get(key) ?? { replies: 0, last: 0 };
    // An answer may come in several messages: what follows the second one follows no new answer.
    if (before > store.messages.cursor(chatJid) || reply.seq <= streak.last) return false;
    const replies = streak.replies + 1;
    if (replies < LOOP_REPLIES) this.#streaks.set(key, { replies, last: reply.seq });
    else this.#streaks.delete(key);
    return replies >= LOOP_REPLIES;
  }

  #limitedUntil(chatJid: string): number | undefined {
    const { store, clock, log, timezone, maxTurnsPerHour } = this.#options;
    const now = clock.now();
    const key = `limit:${chatJid}` as const;
    const limited = this.#stored(key, HOUR);
    if (maxTurnsPerHour === 0 || limited !== undefined) return limited;
    const begun = store.runs.turnsBetween(chatJid, now - HOUR, now, maxTurnsPerHour);
    const turns = begun.length;
    if (turns < maxTurnsPerHour) return undefined;
    // When half of them are an hour ago: not one more turn and the same notice again.
    const half = (begun[Math.floor(turns / 2)] ?? now) + HOUR;
    const until = this.#begin(key, Math.min(Math.max(half, now + MUTE_MS), now + HOUR));
    const time = formatTime(until, timezone);
    const main = store.groups.main();
    if (main?.jid !== chatJid) this.#notify(chatJid, limitNotice(turns, time));
    if (main !== undefined) {
      const chat = store.groups.find(chatJid)?.name ?? chatJid;
      this.#notify(main.jid, limitInMain(chat, turns, time));
    }
    log.warn({ chat: chatJid, turns }, 'A chat has had as many turns as it may have within an hour');
    return until;
  }

  /**
   * @returns a stored instant that is to come; what is further off than any is from before a clock was set
   *   back
   */
  #stored(key: StateKey, longestMs: number): number | undefined {
    const { store, clock } = this.#options;
    const now = clock.now();
    const until = Number(store.state.get(key) ?? 0);
    return until > now && until <= now + longestMs ? until : undefined;
  }

  #begin(key: StateKey, until: number): number {
    this.#options.store.state.set(key, String(until));
    return until;
  }

  #notify(chatJid: string, text: string): void {
    const { store, clock } = this.#options;
    store.outbox.add({ chatJid, message: { kind: 'text', text }, source: 'notice' }, clock.now());
  }

  #release(now: number): number | undefined {
    const { store, newId } = this.#options;
    const held = store.messages.heldTimes();
    if (held === undefined || (held.first > now && held.last <= now + MUTE_MS)) return held?.first;
    store.transaction(() => store.messages.release(now, { mute: MUTE_MS, limit: HOUR }, newId));
    return store.messages.heldTimes()?.first;
  }
}
