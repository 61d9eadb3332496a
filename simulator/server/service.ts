import type { Companion } from '../accounts/companion.ts';
import type { Directory } from '../accounts/directory.ts';
import type { Person } from '../accounts/person.ts';
import type { ChatLine, Events, Problem } from '../events.ts';
import type { MediaServer } from '../media/media-server.ts';
import type { WireLog } from '../wire/wire-log.ts';
import { AppState } from './app-state.ts';
import type { Chats } from './chats.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import type { Faults } from './faults.ts';
import type { ReceiptBook } from './receipts.ts';
import type { ServiceRules } from './rules.ts';
import { Timers } from './timers.ts';

/** A receipt, a send, a query: the parts of the server that handle one of them share these. */
export class Service {
  readonly directory: Directory;
  readonly chats: Chats;
  readonly events: Events;
  readonly log: WireLog;
  readonly faults: Faults;
  readonly receipts: ReceiptBook;
  readonly media: MediaServer;
  rules: Readonly<ServiceRules>;
  /** How many message stanzas came, by the message's id. */
  readonly sends = new Map<string, number>();
  /** Which linked device sent a message, by the message's id. */
  readonly authors = new Map<string, Companion>();
  /** To which address a linked device sent a message, by the message's id. */
  readonly addresses = new Map<string, string>();
  /** After how long messages disappear. */
  readonly timers = new Timers();
  /** What was said before any device was linked: only histories tell it. */
  readonly past: ChatLine[] = [];
  readonly #problems: Problem[] = [];
  readonly #appStates = new Map<string, Promise<AppState>>();
  readonly #queues = new Map<Companion, DeliveryQueue>();

  constructor(
    parts: Pick<
      Service,
      'directory' | 'chats' | 'events' | 'log' | 'faults' | 'receipts' | 'media' | 'rules'
    >,
  ) {
    this.directory = parts.directory;
    this.chats = parts.chats;
    this.events = parts.events;
    this.log = parts.log;
    this.faults = parts.faults;
    this.receipts = parts.receipts;
    this.media = parts.media;
    this.rules = parts.rules;
  }

  /** The settings that somebody's devices share. */
  appState({ jid, name }: Person): Promise<AppState> {
    const made = this.#appStates.get(jid) ?? AppState.named(name);
    this.#appStates.set(jid, made);
    return made;
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
