import { EventEmitter } from 'node:events';
import type { BinaryNode } from '@whiskeysockets/baileys';

/** A line of a chat as the phones show it. */
export interface ChatLine {
  /** The id on the wire. */
  id: string;
  chat: string;
  /** The phone-number JID of who speaks. */
  from: string;
  fromName: string;
  /** The owner's account speaks, from the phone or from the linked device. */
  fromMe: boolean;
  /** Sent by the linked device under test. */
  byDevice: boolean;
  text: string;
  quotedId?: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** What a simulator tells its listeners. */
export interface SimulatorEvents {
  line: ChatLine;
  /** The linked device began or stopped typing in a chat. */
  typing: { chat: string; on: boolean };
  /** A linked device was paired. */
  paired: { jid: string; lid: string };
  /** A connection was opened or closed; `count` is how many there are now, logged in or not. */
  connection: { open: boolean; count: number };
  /** A linked device came to the end of its login, backlog included. */
  login: { jid: string };
  stanza: { direction: 'in' | 'out'; connection: number; node: BinaryNode };
  /** Something that a real server or phone would stumble over. */
  problem: Problem;
}

/** Something that the client did wrong, or that this server does not know. */
export interface Problem {
  kind:
    | 'unknown stanza'
    | 'unknown query'
    | 'not decrypted'
    | 'bad message'
    | 'retry asked'
    | 'refused'
    | 'failed';
  detail: string;
  at: number;
}

/** A small typed emitter; listeners are called in the order in which they came. */
export class Events {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  /** Returns a function that ends the subscription. */
  on<K extends keyof SimulatorEvents>(event: K, listener: (value: SimulatorEvents[K]) => void): () => void {
    this.#emitter.on(event, listener);
    return () => {
      this.#emitter.off(event, listener);
    };
  }

  emit<K extends keyof SimulatorEvents>(event: K, value: SimulatorEvents[K]): void {
    this.#emitter.emit(event, value);
  }
}
