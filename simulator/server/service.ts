import type { Companion } from '../accounts/companion.ts';
import type { Directory } from '../accounts/directory.ts';
import type { Events, Problem } from '../events.ts';
import type { WireLog } from '../wire/wire-log.ts';
import type { AppState } from './app-state.ts';
import type { Chats } from './chats.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import type { Faults } from './faults.ts';
import type { ReceiptBook } from './receipts.ts';

/** A receipt, a send, a query: the parts of the server that handle one of them share these. */
export class Service {
  readonly directory: Directory;
  readonly chats: Chats;
  readonly events: Events;
  readonly log: WireLog;
  readonly faults: Faults;
  readonly receipts: ReceiptBook;
  readonly appState: AppState;
  /** How many message stanzas came, by the message's id. */
  readonly sends = new Map<string, number>();
  readonly #problems: Problem[] = [];
  readonly #queues = new Map<Companion, DeliveryQueue>();

  constructor(
    parts: Pick<Service, 'directory' | 'chats' | 'events' | 'log' | 'faults' | 'receipts' | 'appState'>,
  ) {
    this.directory = parts.directory;
    this.chats = parts.chats;
    this.events = parts.events;
    this.log = parts.log;
    this.faults = parts.faults;
    this.receipts = parts.receipts;
    this.appState = parts.appState;
  }

  /** What waits for a linked device. */
  queue(companion: Companion): DeliveryQueue {
    let queue = this.#queues.get(companion);
    if (!queue) {
      queue = new DeliveryQueue();
      this.#queues.set(companion, queue);
    }
    return queue;
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Notes something that the client did wrong or that this server does not know. */
  problem(kind: Problem['kind'], detail: string): void {
    const problem = { kind, detail, at: Date.now() };
    this.#problems.push(problem);
    this.log.write({ kind: 'problem', problem: kind, detail });
    this.events.emit('problem', problem);
  }
}
