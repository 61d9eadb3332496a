import { EventEmitter } from 'node:events';
import type { BinaryNode } from '@whiskeysockets/baileys';
import type { MediaKind } from './messages/saying.ts';

/** A line of a chat as the phones show it. */
export interface ChatLine {
  /** The id on the wire. */
  id: string;
  /** The group, or the other one of a direct chat as the owner sees it (as who speaks, when the owner is not in it). */
  chat: string;
  /** The phone-number JID of who speaks. */
  from: string;
  fromName: string;
  /** The owner's account speaks, from the phone or from the linked device. */
  fromMe: boolean;
  /** Sent by a linked device, not typed on a phone. */
  byDevice: boolean;
  /** The JID of that linked device. */
  device?: string;
  /** The phone-number JIDs of who speaks and who hears in a direct chat; twice the same in a chat with oneself. */
  parties?: readonly [string, string];
  /** The words, with the names of those who are mentioned; for what has none, what it is in brackets. */
  text: string;
  quotedId?: string;
  /** The phone-number JIDs of those who are mentioned. */
  mentions?: readonly string[];
  /** After how many seconds it disappears; absent: it stays. */
  expiration?: number;
  /** The file, downloaded and decrypted; the text is its caption then, if it has one. */
  media?: LineMedia;
  /** Its author changed the text. */
  edited?: true;
  /** Removed for everybody; it has no text any more. */
  removed?: true;
  /** The reaction of each who reacted. */
  reactions?: readonly Reaction[];
  /** Milliseconds since 1970. */
  at: number;
}

/** A file in a chat, as a phone has it after the download. */
export interface LineMedia {
  kind: MediaKind;
  mimeType: string;
  fileName?: string;
  caption?: string;
  /** How long it plays. */
  seconds?: number;
  /** Its size. */
  bytes: number;
  data: Buffer;
}

/** Somebody's emoji under a line. */
export interface Reaction {
  /** The phone-number JID. */
  from: string;
  emoji: string;
}

/** What became of a line that was there before. */
export interface LineChange {
  change: 'edited' | 'removed' | 'reaction';
  /** Who did it: the phone-number JID. */
  by: string;
  /** By the linked device under test. */
  byDevice: boolean;
  /** The line as it is now. */
  line: ChatLine;
}

/** What a simulator tells its listeners. */
export interface SimulatorEvents {
  line: ChatLine;
  change: LineChange;
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
    | 'not shown'
    | 'retry asked'
    | 'bad receipt'
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
