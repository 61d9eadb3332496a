import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Companion } from '../accounts/companion.ts';
import { child, result, SERVER } from '../wire/nodes.ts';
import { shorten } from '../wire/wire-log.ts';
import type { Connection } from './connection.ts';
import { type DeliveryQueue, stanzaKey } from './delivery-queue.ts';
import { forwardRetry } from './forwarding.ts';
import type { Inbound } from './inbound.ts';
import { takeMessage } from './outbound.ts';
import { provision } from './provisioning.ts';
import { answerQuery } from './queries/index.ts';
import type { Service } from './service.ts';

const DEFAULT_BATCH = 100;

/**
 * A linked device that is logged in: what it sends, by the kind of stanza. The answer to its "active" waits until
 * the offline backlog is through, so that a client is not open before.
 */
export class Session {
  readonly connection: Connection;
  readonly companion: Companion;
  readonly #service: Service;
  readonly #inbound: Inbound;
  readonly #queue: DeliveryQueue;
  #activeQuery: BinaryNode | undefined;
  #activeDone = false;
  #provisioning: string[] = [];
  #typingIn: string | undefined;
  /** Messages asked for again, whose first copy the client still refuses with an ack. */
  readonly #resent = new Set<string>();

  constructor(service: Service, inbound: Inbound, connection: Connection, companion: Companion) {
    this.#service = service;
    this.#inbound = inbound;
    this.connection = connection;
    this.companion = companion;
    this.#queue = service.queue(companion);
  }

  async handle(node: BinaryNode): Promise<void> {
    switch (node.tag) {
      case 'iq':
        return this.#query(node);
      case 'message':
        this.#typing(undefined);
        return takeMessage(this.#service, this.connection, this.companion, node);
      case 'receipt':
        return this.#receipt(node);
      case 'ack':
        if (node.attrs.error && this.#resent.delete(node.attrs.id ?? '')) return;
        return this.#acknowledge(stanzaKey(node.attrs.class ?? '', node.attrs));
      case 'ib':
        return this.#notice(node);
      case 'chatstate': {
        const on = child(node)?.tag === 'composing';
        return this.#typing(on ? node.attrs.to : undefined);
      }
      case 'presence':
        return this.#presence(node);
      case 'call':
        return undefined;
      default:
        this.#service.problem('unknown stanza', JSON.stringify(shorten(node)));
    }
  }

  /** The connection is gone: what it has not acknowledged waits for the next one. */
  end(): void {
    this.#typing(undefined);
    this.#queue.detach(this.connection);
    this.#withdrawProvisions();
  }

  async #query(node: BinaryNode): Promise<void> {
    if (node.attrs.type === 'result' || node.attrs.type === 'error') return;
    if (node.attrs.xmlns === 'passive' && child(node, 'active')) {
      this.#activeQuery = node;
      this.#finishLogin();
      return;
    }
    const answer = await answerQuery(this.#service, this.companion, node);
    if (answer) this.connection.send(answer);
  }

  #notice(node: BinaryNode): void {
    const batch = child(node, 'offline_batch');
    if (!batch) return;
    const { faults } = this.#service;
    faults.beginBacklog(this.connection);
    const size = Number(batch.attrs.count) || DEFAULT_BATCH;
    void this.#queue
      .deliverBacklog(this.connection, size, faults.backlogPauseMs)
      .then(() => this.#finishLogin());
  }

  #finishLogin(): void {
    if (!this.#activeQuery || !this.#queue.live || this.#activeDone) return;
    this.#activeDone = true;
    this.connection.send(result(this.#activeQuery));
    this.#service.events.emit('login', { jid: this.companion.jid });
    if (!this.companion.provisioned) {
      this.#provision().catch((error: unknown) =>
        this.#service.problem('failed', `provisioning: ${String(error)}`),
      );
    }
  }

  async #provision(): Promise<void> {
    this.companion.provisioned = true;
    this.#provisioning = await provision(this.#service, this.companion);
    if (!this.connection.open) this.#withdrawProvisions();
  }

  /** What the phone sent at first but the device did not take, it sends anew at the next login. */
  #withdrawProvisions(): void {
    if (this.#queue.withdraw(this.#provisioning) > 0) this.companion.provisioned = false;
    this.#provisioning = [];
  }

  async #receipt(node: BinaryNode): Promise<void> {
    const ids = this.#service.receipts.add(node);
    const { id = '', type, to = SERVER, participant } = node.attrs;
    const attrs = {
      class: 'receipt',
      id,
      from: to,
      ...(type && { type }),
      ...(participant && { participant }),
    };
    this.connection.send({ tag: 'ack', attrs });
    for (const each of ids) this.#confirm(each, node.attrs);
    if (node.attrs.type === 'server-error') this.#inbound.reupload(this.companion, node);
    if (node.attrs.type !== 'retry') return;
    this.#service.problem('retry asked', JSON.stringify(node.attrs));
    this.#resent.add(id);
    if (forwardRetry(this.#service, this.companion, node)) return;
    if (!(await this.#inbound.resend(this.companion, node))) this.#resent.delete(id);
  }

  /** A receipt for a message. WhatsApp knows what a device of the sender means only by the recipient. */
  #confirm(id: string, receipt: BinaryNode['attrs']): void {
    const { to, recipient } = receipt;
    const key = stanzaKey('message', { id });
    const sent = this.#queue.waiting(key)?.attrs;
    if (sent?.from?.endsWith('@broadcast') && !this.#isForBroadcast(receipt, sent)) {
      const detail = `the receipt for ${id} is ${JSON.stringify(receipt)}; ${sent.participant} sent it by ${sent.from}`;
      this.#service.problem('bad receipt', detail);
      return;
    }
    if (sent?.recipient !== undefined && (recipient !== sent.recipient || to !== sent.from)) {
      const detail = `the receipt for ${id} is to ${to} about ${recipient}; the message came from ${sent.from} to ${sent.recipient}`;
      this.#service.problem('bad receipt', detail);
      return;
    }
    this.#acknowledge(key);
  }

  /** Whether a receipt goes to the broadcast list, and names the writer and whether that is the account itself. */
  #isForBroadcast({ to, participant, type }: BinaryNode['attrs'], sent: BinaryNode['attrs']): boolean {
    if (type === 'retry') return true;
    const writer = this.#service.directory.find(sent.participant ?? '');
    const isOwn = writer === this.companion.owner;
    return to === sent.from && participant === sent.participant && (type === 'sender') === isOwn;
  }

  #acknowledge(key: string): void {
    const inBacklog = !this.#queue.live;
    if (this.#queue.acknowledge(key) && inBacklog) this.#service.faults.backlogAcknowledged(this.connection);
  }

  #presence(node: BinaryNode): void {
    const { type, to } = node.attrs;
    if (type !== 'subscribe' || !to) return;
    this.connection.send({ tag: 'presence', attrs: { from: to, type: 'unavailable', last: 'deny' } });
  }

  #typing(address: string | undefined): void {
    const { directory, events } = this.#service;
    const chat = address === undefined ? undefined : (directory.find(address)?.jid ?? address);
    if (chat === this.#typingIn) return;
    const before = this.#typingIn;
    this.#typingIn = chat;
    if (before !== undefined) events.emit('typing', { chat: before, on: false });
    if (chat !== undefined) events.emit('typing', { chat, on: true });
  }

  /** The chat in which the device is typing. */
  get typingIn(): string | undefined {
    return this.#typingIn;
  }
}
