import { Directory } from './accounts/directory.ts';
import type { Addressing, Person } from './accounts/person.ts';
import { ControlServer } from './control/http.ts';
import { type ChatLine, Events, type Problem, type SimulatorEvents } from './events.ts';
import { AppState } from './server/app-state.ts';
import { Chats } from './server/chats.ts';
import { Faults } from './server/faults.ts';
import type { Saying } from './server/inbound.ts';
import { ReceiptBook, type ReceivedReceipt } from './server/receipts.ts';
import { Server } from './server/server.ts';
import { Service } from './server/service.ts';
import { quietLibsignal } from './wire/libsignal-console.ts';
import { WireLog } from './wire/wire-log.ts';

export type { Addressing, Person } from './accounts/person.ts';
export type { ChatLine, Problem, SimulatorEvents } from './events.ts';
export type { Faults } from './server/faults.ts';

const DEFAULT_WAIT_MS = 10_000;

/** All optional: free ports, no wire log, an owner with a made-up number. */
export interface SimulatorOptions {
  port?: number;
  controlPort?: number;
  /** Path of a JSONL file to append to. */
  wireLog?: string;
  owner?: { number?: string; name?: string };
}

/**
 * A WhatsApp server on loopback with the phones of some people. One of them, the owner, has (or will have) a linked
 * device: the client under test. Everything that people see is told in phone-number JIDs.
 */
export class Simulator {
  /** Resolves when the simulator has ended, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #server: Server;
  readonly #service: Service;
  readonly #releaseConsole: () => void;
  #port = 0;
  #control: ControlServer | undefined;
  #resolveClosed: () => void = () => undefined;
  #closing: Promise<void> | undefined;

  private constructor(server: Server, releaseConsole: () => void) {
    this.#server = server;
    this.#service = server.service;
    this.#releaseConsole = releaseConsole;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Starts listening. Rejects with Node's error when a port is taken. */
  static async start(options: SimulatorOptions = {}): Promise<Simulator> {
    const directory = new Directory(options.owner);
    const events = new Events();
    const appState = new AppState();
    await appState.setPushName(directory.owner.name);
    const log = await WireLog.open(options.wireLog);
    const server = new Server(
      (targets) =>
        new Service({
          directory,
          events,
          appState,
          log,
          chats: new Chats(events),
          faults: new Faults(targets),
          receipts: new ReceiptBook(),
        }),
    );
    const simulator = new Simulator(server, quietLibsignal());
    try {
      simulator.#port = await server.listen(options.port ?? 0);
      simulator.#control = await ControlServer.start(simulator, options.controlPort ?? 0);
    } catch (error) {
      await simulator.close();
      throw error;
    }
    return simulator;
  }

  /** Where clients connect, `ws://127.0.0.1:PORT/ws/chat`. */
  get url(): string {
    return `ws://127.0.0.1:${this.#port}/ws/chat`;
  }

  /** Where the control interface listens, `http://127.0.0.1:PORT`. */
  get controlUrl(): string {
    return this.#control?.url ?? '';
  }

  /** The hex of the root's public key that a client must trust. */
  get rootKey(): string {
    return this.#server.authority.rootKey;
  }

  get owner(): Person {
    return this.#service.directory.owner;
  }

  /** The chat of the owner with themselves. */
  get selfChat(): string {
    return this.owner.jid;
  }

  get faults(): Faults {
    return this.#service.faults;
  }

  get people(): readonly Person[] {
    return this.#service.directory.people;
  }

  /** The groups that the owner is in. */
  get groups(): readonly {
    jid: string;
    subject: string;
    members: readonly Person[];
    addressing: Addressing;
  }[] {
    return this.#service.directory.groups;
  }

  /** What the client did wrong and what this server does not know; empty when all is well. */
  get problems(): readonly Problem[] {
    return this.#service.problems;
  }

  /** Adds somebody with a phone; without a number one is made up. Throws BadPerson. */
  addPerson(person: { name: string; number?: string }): Person {
    return this.#service.directory.addPerson(person);
  }

  /** The owner makes a group on the phone; linked devices are told. Addressed by LID unless said otherwise. */
  createGroup(group: { subject: string; members: Person[]; addressing?: Addressing }): {
    jid: string;
    subject: string;
  } {
    const created = this.#service.directory.createGroup(group);
    this.#server.announce(created);
    return { jid: created.jid, subject: created.subject };
  }

  /**
   * The owner's phone scans the QR code; resolves when the pairing is complete and the restart (515) was sent.
   * Rejects with BadQr, UnknownQr, QrMismatch, BadDeviceSignature or ConnectionLost.
   */
  scanQr(qr: string): Promise<void> {
    return this.#server.scan(qr);
  }

  /** Somebody says something; see Saying. Rejects with UnknownJid, NotInChat or UnknownLine. */
  say(saying: Saying): Promise<ChatLine> {
    return this.#server.inbound.say(saying);
  }

  /** What the chat shows, in order, as the phones see it. */
  chat(jid: string): readonly ChatLine[] {
    return this.#service.chats.of(this.#service.directory.find(jid)?.jid ?? jid);
  }

  /** The first line, past or future, that the predicate accepts. Rejects with LineNotSeen (10 s by default). */
  waitFor(predicate: (line: ChatLine) => boolean, options: { timeoutMs?: number } = {}): Promise<ChatLine> {
    return this.#service.chats.waitFor(predicate, options.timeoutMs ?? DEFAULT_WAIT_MS);
  }

  /** Subscribes; the returned function ends the subscription. */
  on<K extends keyof SimulatorEvents>(event: K, listener: (value: SimulatorEvents[K]) => void): () => void {
    return this.#service.events.on(event, listener);
  }

  /** Connections that are open now, logged in or not. */
  connections(): number {
    return this.#server.connections().length;
  }

  /** The chats in which a linked device is typing now. */
  typing(): readonly string[] {
    return this.#server.sessions.map(({ typingIn }) => typingIn).filter((chat) => chat !== undefined);
  }

  /** Linked devices, and whether they are through their login. */
  devices(): readonly { jid: string; online: boolean; waiting: number }[] {
    return this.#service.directory.companions.map((companion) => {
      const queue = this.#service.queue(companion);
      return { jid: companion.jid, online: queue.live, waiting: queue.size };
    });
  }

  /** Receipts that linked devices sent, for one message or all. */
  receipts(id?: string): readonly ReceivedReceipt[] {
    return this.#service.receipts.of(id);
  }

  /** How many stanzas with a message of this id came from linked devices: more than one is a resend. */
  sends(id: string): number {
    return this.#service.sends.get(id) ?? 0;
  }

  /** Ends everything; may be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#control?.close();
    await this.#server.close();
    this.#service.directory.close();
    await this.#service.log.close();
    this.#releaseConsole();
    this.#resolveClosed();
  }
}
