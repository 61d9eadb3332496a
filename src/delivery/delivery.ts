import { setTimeout } from 'node:timers/promises';
import { type Channel, type SendOutcome, wordsOf } from '../channel/channel.ts';
import { type Clock, Pauses } from '../clock.ts';
import type { Log } from '../log.ts';
import { cutText } from '../protocol/graphemes.ts';
import type { OutboxRow } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { earlier, Waker } from '../waker.ts';
import { Pace, type Urgency } from './pace.ts';
import { type Presentation, present } from './presentation.ts';
import type { Restriction } from './restriction.ts';
import { judge, LONGEST_DELAY_MS, MOST_SENDS, type Verdict } from './retries.ts';

/** Chats that are sent to at the same time. */
const MOST_AT_ONCE = 4;
/** Of these, so many with a file: an upload may take minutes, and texts go past it in other chats. */
const MOST_FILES_AT_ONCE = 2;

/** A row that is being sent. */
interface Sending {
  readonly chatJid: string;
  readonly isFile: boolean;
  readonly ended: Promise<void>;
}

export interface DeliveryOptions {
  readonly store: Store;
  readonly channel: Pick<Channel, 'state' | 'send' | 'newWireId'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly presentation: Presentation;
  readonly restriction: Pick<Restriction, 'refused' | 'forbids'>;
  readonly timings: Pick<Timings, 'workFailurePauseMs' | 'resendDelaysMs' | 'notSentDelayMs'>;
}

/**
 * Drains the outbox into the channel: in order within a chat, chats side by side, so that a slow or broken one holds up no
 * other. The states of a row and their exits are told in store/outbox.ts.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  /** By their numbers: a chat may get another address meanwhile. */
  readonly #sending = new Map<number, Sending>();
  /** What is known of a send and could not be stored yet, by the rows' numbers: it is not to be sent again for that. */
  readonly #verdicts = new Map<number, () => void>();
  /** Chats in which the host itself failed. */
  readonly #resting: Pauses<string>;
  /** Rows that this process sends again, by their numbers. */
  readonly #again: Pauses<number>;
  /** How often in a row a row did not leave although the line was open. */
  readonly #notSent = new Map<number, number>();
  readonly #pace: Pace;
  readonly #waker: Waker;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#resting = new Pauses(options.clock);
    this.#again = new Pauses(options.clock);
    this.#pace = new Pace(options.clock);
    this.#waker = new Waker((now) => this.#look(now), options);
  }

  /** Looks at the outbox: on its bell, and when the line opens. */
  wake(): void {
    this.#waker.wake();
  }

  /**
   * No new sends; resolves when those under way have ended. Calling it twice is harmless.
   * @param patienceMs milliseconds after which it resolves all the same; absent: it waits
   */
  async stop(patienceMs?: number): Promise<void> {
    this.#waker.stop();
    const ended = Promise.all([...this.#sending.values()].map((sending) => sending.ended));
    if (patienceMs === undefined) {
      await ended;
      this.#saveVerdicts();
      return;
    }
    const over = new AbortController();
    await Promise.race([
      ended,
      setTimeout(patienceMs, undefined, { signal: over.signal }).catch(() => undefined),
    ]);
    over.abort();
    this.#saveVerdicts();
  }

  #look(now: number): number | undefined {
    const { store, channel, restriction } = this.#options;
    if (channel.state.status !== 'open') return undefined;
    let next: number | undefined;
    const heads = store.outbox.heads();
    // Who waits for an answer goes before what nobody waits for.
    const inTurn = [...heads.filter(isAnswer), ...heads.filter((row) => !isAnswer(row))];
    for (const row of inTurn) {
      if (this.#isBusy(row)) continue;
      if (restriction.forbids(row.chatJid)) {
        this.#giveUpChat(row);
        continue;
      }
      const resting = now + (this.#resting.left(row.chatJid) ?? 0);
      const time = Math.max(
        this.#notBefore(row, now),
        resting,
        this.#pace.nextSend(row.chatJid, urgencyOf(row)),
      );
      if (time > now) next = earlier(next, time);
      else if (this.#hasRoomFor(row)) this.#begin(row);
    }
    return next;
  }

  /** What an earlier process stored may have been written before the clock was set back. */
  #notBefore({ seq, notBefore }: OutboxRow, now: number): number {
    const left = this.#again.left(seq);
    if (left !== undefined) return now + left;
    return notBefore > now + LONGEST_DELAY_MS ? 0 : notBefore;
  }

  #isBusy({ seq, chatJid }: OutboxRow): boolean {
    if (this.#sending.has(seq)) return true;
    const { samePerson } = this.#options.store;
    return [...this.#sending.values()].some((sending) => samePerson.current(sending.chatJid) === chatJid);
  }

  #hasRoomFor(row: OutboxRow): boolean {
    if (this.#sending.size >= MOST_AT_ONCE) return false;
    return (
      !isFile(row) ||
      [...this.#sending.values()].filter((sending) => sending.isFile).length < MOST_FILES_AT_ONCE
    );
  }

  #begin(row: OutboxRow): void {
    const { chatJid } = row;
    const { log, timings } = this.#options;
    this.#again.end(row.seq);
    this.#pace.take(chatJid);
    const ended = this.#send(row)
      .catch((error: unknown) => {
        log.error({ err: error, outbox: row.seq }, 'Delivery failed inside the host');
        this.#resting.begin(chatJid, timings.workFailurePauseMs);
      })
      .finally(() => {
        this.#sending.delete(row.seq);
        this.wake();
      });
    this.#sending.set(row.seq, { chatJid, isFile: isFile(row), ended });
  }

  async #send(row: OutboxRow): Promise<void> {
    const { store, channel, log, presentation, restriction, timings } = this.#options;
    const known = this.#verdicts.get(row.seq);
    if (known !== undefined) return this.#conclude(row.seq, known);
    // A row of an earlier process that used up its sends right before a crash: bytes may have left, nobody answered.
    if (row.sends >= MOST_SENDS) return this.#giveUp(row, 'unknown', 'no answer from the server');
    const wireId = row.wireId ?? channel.newWireId();
    if (!store.outbox.beginSend(row.seq, wireId)) return;
    const outcome = await channel.send(row.chatJid, present(row.message, presentation), wireId);
    const sends = row.sends + 1;
    const notSent = this.#countNotSent(row.seq, outcome);
    const verdict = judge(outcome, { sends, notSent, isFile: isFile(row) }, timings);
    log.debug({ outbox: row.seq, chat: row.chatJid, wireId, sends, outcome: outcome.kind }, 'Send ended');
    this.#conclude(row.seq, () =>
      store.transaction(() => {
        if (outcome.kind === 'refused' && outcome.restricted) restriction.refused(row.chatJid);
        this.#store(row, verdict, sends);
      }),
    );
  }

  /** What is known of a send is kept until the database has it. */
  #conclude(seq: number, store: () => void): void {
    this.#verdicts.set(seq, store);
    store();
    this.#verdicts.delete(seq);
  }

  /** A last try: what is not saved now is sent again by the next start. */
  #saveVerdicts(): void {
    for (const [seq, store] of this.#verdicts) {
      try {
        this.#conclude(seq, store);
      } catch (error) {
        this.#options.log.error({ err: error, outbox: seq }, 'The result of a send could not be saved');
      }
    }
  }

  #store(row: OutboxRow, verdict: Verdict, sends: number): void {
    const { store, clock, log } = this.#options;
    switch (verdict.kind) {
      case 'sent':
        store.outbox.settle(row.seq, 'sent', clock.now());
        return;
      case 'again':
        log.warn(
          { outbox: row.seq, chat: row.chatJid, reason: verdict.reason },
          'Message not confirmed, will be sent again',
        );
        store.outbox.requeue(row.seq, {
          notBefore: clock.now() + verdict.delayMs,
          sends: verdict.counted ? sends : row.sends,
          error: verdict.reason,
        });
        this.#again.begin(row.seq, verdict.delayMs);
        return;
      default:
        this.#giveUp(row, verdict.kind, verdict.reason, verdict.kind === 'failed' && verdict.told);
    }
  }

  #countNotSent(seq: number, outcome: SendOutcome): number {
    const counts = outcome.kind === 'not_sent' && this.#options.channel.state.status === 'open';
    const count = counts ? (this.#notSent.get(seq) ?? 0) + 1 : 0;
    if (count > 0) this.#notSent.set(seq, count);
    else this.#notSent.delete(seq);
    return count;
  }

  /**
   * The row ends without being known to have arrived: the owner is told once, in the same transaction.
   * @param isTold the owner knows the cause, which befalls every such message
   */
  #giveUp(row: OutboxRow, status: 'failed' | 'unknown', reason: string, isTold = false): void {
    const { store, clock, log } = this.#options;
    log.error({ outbox: row.seq, chat: row.chatJid, reason }, `Message ${status}`);
    store.transaction(() => {
      store.outbox.settle(row.seq, status, clock.now(), reason);
      this.#notSent.delete(row.seq);
      const main = store.groups.main();
      // A notice that fails is told by the log alone: a notice about a notice would never end.
      if (main === undefined || row.source === 'notice' || isTold) return;
      const chat = store.groups.find(row.chatJid)?.name ?? store.chats.find(row.chatJid)?.name ?? row.chatJid;
      const what =
        status === 'failed'
          ? `could not be sent (${reason})`
          : 'may not have arrived: the server never confirmed it';
      const text = `⚠️ A message to ${chat} ${what}. It began: “${cutText(wordsOf(row.message), 80)}”`;
      store.outbox.add({ chatJid: main.jid, message: { kind: 'text', text }, source: 'notice' }, clock.now());
    });
  }

  /** All that waits for a chat fails without a try; the owner knows the cause. @param head the first of it */
  #giveUpChat(head: OutboxRow): void {
    const { store, clock } = this.#options;
    const reason = 'WhatsApp restricts this account, and has refused a message to that chat';
    store.transaction(() => {
      this.#giveUp(head, 'failed', reason, true);
      store.outbox.giveUpWaiting(head.chatJid, reason, clock.now());
    });
  }
}

/** The agent's own words to whom it answers. */
function isAnswer({ source }: OutboxRow): boolean {
  return source === 'reply';
}

function isFile({ message }: OutboxRow): boolean {
  return message.kind === 'file';
}

function urgencyOf(row: OutboxRow): Urgency {
  return isAnswer(row) ? 'answer' : 'bulk';
}
