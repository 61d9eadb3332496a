import { setTimeout as pause } from 'node:timers/promises';
import type { BinaryNode } from '@whiskeysockets/baileys';
import { SERVER } from '../wire/nodes.ts';
import type { Connection } from './connection.ts';

/** Time for a client to acknowledge a batch of its backlog before the server goes on without. */
const BATCH_PATIENCE_MS = 10_000;

interface Waiting {
  key: string;
  node: BinaryNode;
  /** Kept back for the next login although the device may be connected. */
  held: boolean;
  /** Was sent on the present connection. */
  sent: boolean;
}

/** How a client's answer names what it answers: class, id and, for receipts, the participant. */
export function stanzaKey(tag: string, attrs: BinaryNode['attrs']): string {
  const participant = tag === 'receipt' ? (attrs.participant ?? '') : '';
  return `${tag}:${attrs.id}:${participant}`;
}

/**
 * What the server keeps for one linked device until the device has acknowledged it, in order. States: away (nobody
 * is connected, stanzas are kept), backlog (a login is on its way, stanzas go out marked as offline), live (stanzas
 * go out at once). A stanza that comes when all of the backlog was sent goes out at once too, not marked, although the
 * device may still be working on the backlog. What was sent but not acknowledged when a connection ends is sent again
 * at the next login.
 */
export class DeliveryQueue {
  #waiting: Waiting[] = [];
  #connection: Connection | undefined;
  #state: 'away' | 'backlog' | 'live' = 'away';
  /** The backlog is under way, and all of it was sent. */
  #allSent = false;
  readonly #settled = new Set<() => void>();

  /** What is not acknowledged yet. */
  get size(): number {
    return this.#waiting.length;
  }

  get live(): boolean {
    return this.#state === 'live';
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Keeps a stanza and sends it unless it has to wait for a login. `held` leaves it for the next one. */
  add(node: BinaryNode, held = false): void {
    const sent = !held && (this.#state === 'live' || this.#allSent);
    this.#waiting.push({ key: stanzaKey(node.tag, node.attrs), node, held, sent });
    if (sent) this.#connection?.send(node);
  }

  /** The stanza of that key that is not acknowledged yet. */
  waiting(key: string): BinaryNode | undefined {
    return this.#waiting.find((waiting) => waiting.key === key)?.node;
  }

  /** The device has it: a receipt or an ack came. False when nothing of that key waits. */
  acknowledge(key: string): boolean {
    const index = this.#waiting.findIndex((waiting) => waiting.key === key);
    if (index < 0) return false;
    this.#waiting.splice(index, 1);
    for (const check of this.#settled) check();
    return true;
  }

  /** Takes back what the device has not acknowledged. Returns how many of these there were. */
  withdraw(keys: readonly string[]): number {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter(({ key }) => !keys.includes(key));
    return before - this.#waiting.length;
  }

  /** A connection logged in; nothing goes out before `deliverBacklog`. */
  attach(connection: Connection): void {
    this.#connection = connection;
    this.#state = 'backlog';
    this.#allSent = false;
    for (const waiting of this.#waiting) {
      waiting.held = false;
      waiting.sent = false;
    }
  }

  detach(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#state = 'away';
    this.#allSent = false;
    for (const check of this.#settled) check();
  }

  /** What waits, counted by tag. */
  preview(): { message: number; receipt: number; notification: number; call: number } {
    const counts = { message: 0, receipt: 0, notification: 0, call: 0 };
    for (const { node } of this.#waiting) if (node.tag in counts) counts[node.tag as keyof typeof counts]++;
    return counts;
  }

  /**
   * Sends what waits, marked as offline, batch by batch, each after the one before was acknowledged; then the device
   * is told their number and is live. When the connection ends on the way, it resolves without going live.
   *
   * @param pauseMs the time before each stanza
   */
  async deliverBacklog(connection: Connection, batchSize: number, pauseMs = 0): Promise<void> {
    let count = 0;
    while (this.#connection === connection) {
      const batch = this.#unsent().slice(0, batchSize);
      if (batch.length === 0) break;
      for (const waiting of batch) {
        if (pauseMs > 0) await pause(pauseMs);
        if (this.#connection !== connection) return;
        waiting.sent = true;
        const { tag, attrs, content } = waiting.node;
        const marked = { ...attrs, offline: (count++).toString() };
        connection.send(content === undefined ? { tag, attrs: marked } : { tag, attrs: marked, content });
      }
      this.#allSent = this.#unsent().length === 0;
      await this.#acknowledged(batch, connection);
    }
    if (this.#connection !== connection) return;
    const offline = { tag: 'offline', attrs: { count: count.toString() } };
    connection.send({ tag: 'ib', attrs: { from: SERVER }, content: [offline] });
    this.#state = 'live';
  }

  #unsent(): Waiting[] {
    return this.#waiting.filter(({ sent, held }) => !sent && !held);
  }

  #acknowledged(batch: readonly Waiting[], connection: Connection): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#settled.delete(check);
        resolve();
      };
      const check = (): void => {
        const open = batch.some((waiting) => this.#waiting.includes(waiting));
        if (!open || this.#connection !== connection) done();
      };
      const timer = setTimeout(done, BATCH_PATIENCE_MS);
      this.#settled.add(check);
      check();
    });
  }
}
