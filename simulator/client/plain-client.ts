import {
  type AuthenticationCreds,
  type ConnectionState,
  initAuthCreds,
  makeWASocket,
  proto,
  type SignalDataSet,
  type WAMessage,
  type WAMessageKey,
  type WASocket,
} from '@whiskeysockets/baileys';
import { MemoryKeyStore } from '../accounts/key-store.ts';
import { silentLogger } from '../accounts/silent-logger.ts';
import type { LinkedCredentials } from '../server/linking.ts';

/** The version of WhatsApp Web that the client says it is. */
const VERSION: [number, number, number] = [2, 3000, 1043857760];
/** Long enough for a machine that does other things too. */
const PATIENCE_MS = 40_000;

/** What the client waited for did not happen in time. */
class NothingHappened extends Error {
  constructor(what: string, seen: string) {
    super(`${what} did not happen within ${PATIENCE_MS} ms; seen: ${seen}.`);
    this.name = 'NothingHappened';
  }
}

/** Everything that the client's events told, in order. */
export type Seen =
  | { kind: 'connection'; update: Partial<ConnectionState> }
  | { kind: 'message'; message: WAMessage; type: string }
  | {
      kind: 'update';
      id: string;
      status: number | undefined;
      parameters: readonly string[];
      update: Partial<WAMessage>;
    }
  | { kind: 'reaction'; key: WAMessageKey; reaction: proto.IReaction }
  | { kind: 'group'; id: string; subject: string }
  | { kind: 'group subject'; id: string; subject: string }
  | { kind: 'members'; id: string; action: string; author: string; people: readonly string[] };

/** The text of a received message. */
export function textOf(message: WAMessage): string | undefined {
  return message.message?.conversation ?? message.message?.extendedTextMessage?.text ?? undefined;
}

/** The status code with which a connection was closed; undefined for other updates. */
function closeCode(update: Partial<ConnectionState>): number | undefined {
  if (update.connection !== 'close') return undefined;
  const error = update.lastDisconnect?.error;
  return error && 'output' in error ? (error.output as { statusCode: number }).statusCode : undefined;
}

/**
 * Baileys with nothing around it: credentials in memory, one socket at a time, a list of what its events said.
 * Tests drive the simulator with it.
 */
export class PlainClient {
  readonly creds: AuthenticationCreds;
  readonly seen: Seen[] = [];
  readonly #url: string;
  readonly #keys = new MemoryKeyStore();
  readonly #watchers = new Set<() => void>();
  #socket: WASocket | undefined;

  /** Without credentials it is linked to no account. */
  constructor(url: string, linked?: LinkedCredentials) {
    this.#url = url;
    this.creds = linked?.creds ?? initAuthCreds();
    if (linked) this.#keys.set(linked.keys);
  }

  /** Its Signal keys, by type and id. */
  get keys(): SignalDataSet {
    return this.#keys.all;
  }

  get socket(): WASocket {
    if (!this.#socket) throw new TypeError('Call connect first.');
    return this.#socket;
  }

  /** Opens a new socket with the credentials as they are; does not wait. */
  connect(options: Partial<Parameters<typeof makeWASocket>[0]> = {}): WASocket {
    const socket = makeWASocket({
      auth: { creds: this.creds, keys: this.#keys },
      waWebSocketUrl: this.#url,
      version: VERSION,
      logger: silentLogger(),
      syncFullHistory: false,
      markOnlineOnConnect: false,
      ...options,
    });
    this.#socket = socket;
    socket.ev.on('creds.update', (update) => Object.assign(this.creds, update));
    socket.ev.on('connection.update', (update) => this.#see({ kind: 'connection', update }));
    socket.ev.on('messages.upsert', ({ messages, type }) => {
      for (const message of messages) this.#see({ kind: 'message', message, type });
    });
    socket.ev.on('messages.update', (updates) => {
      for (const { key, update } of updates) {
        const parameters = update.messageStubParameters ?? [];
        this.#see({
          kind: 'update',
          id: key.id ?? '',
          status: update.status ?? undefined,
          parameters,
          update,
        });
      }
    });
    socket.ev.on('messages.reaction', (reactions) => {
      for (const { key, reaction } of reactions) this.#see({ kind: 'reaction', key, reaction });
    });
    socket.ev.on('groups.upsert', (groups) => {
      for (const { id, subject } of groups) this.#see({ kind: 'group', id, subject });
    });
    socket.ev.on('groups.update', (groups) => {
      for (const { id = '', subject } of groups) {
        if (subject !== undefined) this.#see({ kind: 'group subject', id, subject });
      }
    });
    socket.ev.on('group-participants.update', ({ id, author, participants, action }) => {
      const people = participants.map((participant) => participant.id);
      this.#see({ kind: 'members', id, action, author, people });
    });
    return socket;
  }

  /** The first thing seen, from number `from` on, to which `pick` gives a value. Rejects with NothingHappened. */
  until<T>(what: string, pick: (seen: Seen) => T | undefined, from = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        for (const seen of this.seen.slice(from)) {
          const value = pick(seen);
          if (value === undefined) continue;
          clearTimeout(timer);
          this.#watchers.delete(check);
          resolve(value);
          return;
        }
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(check);
        const kinds = this.seen
          .slice(from)
          .map((seen) => (seen.kind === 'connection' ? JSON.stringify(seen.update) : seen.kind));
        reject(new NothingHappened(what, kinds.join(', ')));
      }, PATIENCE_MS);
      this.#watchers.add(check);
      check();
    });
  }

  /** Connects without credentials and gives the first QR code's text. */
  async showQr(): Promise<string> {
    const from = this.seen.length;
    this.connect();
    return this.until('a QR code', (seen) => (seen.kind === 'connection' ? seen.update.qr : undefined), from);
  }

  /** Connects without credentials and asks for a pairing code for that account (its number, digits only). */
  async showCode(number: string, customCode?: string): Promise<string> {
    await this.showQr();
    return this.socket.requestPairingCode(number, customCode);
  }

  /** Connects and resolves when the connection is open; rejects when it is not in time. */
  async open(options: Partial<Parameters<typeof makeWASocket>[0]> = {}): Promise<WASocket> {
    const from = this.seen.length;
    const socket = this.connect(options);
    await this.until(
      'open',
      (seen) => (seen.kind === 'connection' && seen.update.connection === 'open') || undefined,
      from,
    );
    return socket;
  }

  /** Resolves with the code of the next close. */
  closed(from = this.seen.length): Promise<number> {
    return this.until(
      'close',
      (seen) => (seen.kind === 'connection' ? closeCode(seen.update) : undefined),
      from,
    );
  }

  /** Resolves with the first message of that text. */
  message(text: string): Promise<WAMessage & { upsertType: string }> {
    return this.until(`message "${text}"`, (seen) =>
      seen.kind === 'message' && textOf(seen.message) === text
        ? { ...seen.message, upsertType: seen.type }
        : undefined,
    );
  }

  /** Resolves with the message of that id. */
  received(id: string): Promise<WAMessage> {
    return this.until(`message ${id}`, (seen) =>
      seen.kind === 'message' && seen.message.key.id === id ? seen.message : undefined,
    );
  }

  /** Resolves with the first change of the message of that id that is more than a status. */
  changed(id: string): Promise<Partial<WAMessage>> {
    return this.until(`a change of ${id}`, (seen) =>
      seen.kind === 'update' && seen.id === id && seen.update.message !== undefined ? seen.update : undefined,
    );
  }

  /**
   * Resolves with what the server said when it refused the message of that id: in an update of it, or with the message
   * itself, for Baileys holds back the own ones for a moment and folds into them what comes meanwhile.
   */
  refused(id: string): Promise<readonly string[]> {
    return this.until(`an error for ${id}`, (seen) => {
      if (seen.kind === 'update' && seen.id === id && seen.status === STATUS_ERROR) return seen.parameters;
      if (seen.kind !== 'message' || seen.message.key.id !== id || seen.message.status !== STATUS_ERROR)
        return undefined;
      return seen.message.messageStubParameters ?? [];
    });
  }

  /** Loses the Signal sessions, as a program does whose keys were rolled back. */
  forgetSessions(): void {
    this.#keys.clear('session');
  }

  /** Ends the socket, as a program that stops does. */
  async end(): Promise<void> {
    await this.#socket?.end(undefined);
  }

  #see(seen: Seen): void {
    this.seen.push(seen);
    for (const watcher of this.#watchers) watcher();
  }
}

/** Baileys' status of a message that the server refused. */
const STATUS_ERROR = proto.WebMessageInfo.Status.ERROR;
/** Baileys' status of a message that a phone has. */
export const STATUS_DELIVERED = proto.WebMessageInfo.Status.DELIVERY_ACK;
