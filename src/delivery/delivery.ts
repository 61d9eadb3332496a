import { setTimeout } from 'node:timers/promises';
import type { Channel, SendOutcome } from '../channel/channel.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { OutboxRow } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';
import { earlier, FAILURE_PAUSE_MS, Waker } from '../waker.ts';
import { type Presentation, present } from './presentation.ts';
import { judge, MOST_SENDS } from './retries.ts';

/** Chats that are sent to at the same time. */
const MOST_AT_ONCE = 4;

export interface DeliveryOptions {
  readonly store: Store;
  readonly channel: Pick<Channel, 'state' | 'send' | 'newWireId'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly presentation: Presentation;
}

/**
 * Drains the outbox into the channel: in order within a chat, chats side by side, so that a slow or broken one holds up no
 * other. The states of a row and their exits are told in store/outbox.ts.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #busyChats = new Map<string, Promise<void>>();
  /** Chats in which the host itself failed, and until when they are left alone. */
  readonly #resting = new Map<string, number>();
  /** How often in a row a row did not leave although the line was open. */
  readonly #notSent = new Map<number, number>();
  readonly #waker: Waker;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#waker = new Waker((now) => this.#look(now), options.clock, options.log);
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
    const ended = Promise.all(this.#busyChats.values());
    if (patienceMs === undefined) {
      await ended;
      return;
    }
    const over = new AbortController();
    await Promise.race([
      ended,
      setTimeout(patienceMs, undefined, { signal: over.signal }).catch(() => undefined),
    ]);
    over.abort();
  }

  #look(now: number): number | undefined {
    const { store, channel } = this.#options;
    if (channel.state.status !== 'open') return undefined;
    let next: number | undefined;
    for (const row of store.outbox.heads()) {
      if (this.#busyChats.has(row.chatJid)) continue;
      const time = Math.max(row.notBefore, this.#resting.get(row.chatJid) ?? 0);
      if (time > now) next = earlier(next, time);
      else if (this.#busyChats.size < MOST_AT_ONCE) this.#begin(row);
    }
    return next;
  }

  #begin(row: OutboxRow): void {
    const { chatJid } = row;
    const sending = this.#send(row)
      .catch((error: unknown) => {
        this.#options.log.error({ err: error, outbox: row.seq }, 'Delivery failed inside the host');
        this.#resting.set(chatJid, this.#options.clock.now() + FAILURE_PAUSE_MS);
      })
      .finally(() => {
        this.#busyChats.delete(chatJid);
        this.wake();
      });
    this.#busyChats.set(chatJid, sending);
  }

  async #send(row: OutboxRow): Promise<void> {
    const { store, channel, clock, log, presentation } = this.#options;
    // A row of an earlier process that used up its sends right before a crash: bytes may have left, nobody answered.
    if (row.sends >= MOST_SENDS) return this.#giveUp(row, 'unknown', 'no answer from the server');
    const wireId = row.wireId ?? channel.newWireId();
    store.outbox.beginSend(row.seq, wireId);
    const outcome = await channel.send(row.chatJid, present(row.message, presentation), wireId);
    const sends = row.sends + 1;
    const notSent = this.#countNotSent(row.seq, outcome);
    const verdict = judge(outcome, sends, notSent);
    log.debug({ outbox: row.seq, chat: row.chatJid, wireId, sends, outcome: outcome.kind }, 'Send ended');
    switch (verdict.kind) {
      case 'sent':
        store.outbox.settle(row.seq, 'sent', clock.now());
        return;
      case 'again':
        log.warn(
          { outbox: row.seq, chat: row.chatJid, wireId, reason: verdict.reason },
          'Message not confirmed, will be sent again',
        );
        store.outbox.requeue(row.seq, {
          notBefore: clock.now() + verdict.delayMs,
          sends: verdict.counted ? sends : row.sends,
          error: verdict.reason,
        });
        return;
      default:
        this.#giveUp(row, verdict.kind, verdict.reason);
    }
  }

  #countNotSent(seq: number, outcome: SendOutcome): number {
    const counts = outcome.kind === 'not_sent' && this.#options.channel.state.status === 'open';
    const count = counts ? (this.#notSent.get(seq) ?? 0) + 1 : 0;
    if (count > 0) this.#notSent.set(seq, count);
    else this.#notSent.delete(seq);
    return count;
  }

  /** The row ends without being known to have arrived: the owner is told once, in the same transaction. */
  #giveUp(row: OutboxRow, status: 'failed' | 'unknown', reason: string): void {
    const { store, clock, log } = this.#options;
    log.error({ outbox: row.seq, chat: row.chatJid, reason }, `Message ${status}`);
    store.transaction(() => {
      store.outbox.settle(row.seq, status, clock.now(), reason);
      this.#notSent.delete(row.seq);
      const main = store.groups.main();
      // A notice that fails is told by the log alone: a notice about a notice would never end.
      if (main === undefined || row.source === 'notice') return;
      const chat = store.groups.find(row.chatJid)?.name ?? store.chats.find(row.chatJid)?.name ?? row.chatJid;
      const what =
        status === 'failed'
          ? `could not be sent (${reason})`
          : 'may not have arrived: the server never confirmed it';
      const text = `⚠️ A message to ${chat} ${what}. It began: “${row.message.text.slice(0, 80)}”`;
      store.outbox.add({ chatJid: main.jid, message: { kind: 'text', text }, source: 'notice' }, clock.now());
    });
  }
}
