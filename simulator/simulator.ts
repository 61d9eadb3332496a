import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Directory, type NewGroup } from './accounts/directory.ts';
import type { Addressing, Person } from './accounts/person.ts';
import { ControlServer } from './control/http.ts';
import { type ChatLine, Events, type Problem, type SimulatorEvents } from './events.ts';
import { MediaServer } from './media/media-server.ts';
import type { Saying } from './messages/saying.ts';
import { Chats } from './server/chats.ts';
import { Faults } from './server/faults.ts';
import { addPast, type PastLine } from './server/history.ts';
import type { How } from './server/inbound.ts';
import type { LinkedCredentials } from './server/linking.ts';
import { ReceiptBook, type ReceivedReceipt } from './server/receipts.ts';
import { ServiceRules } from './server/rules.ts';
import { Server } from './server/server.ts';
import { Service } from './server/service.ts';
import type { ToBot } from './server/unshown.ts';
import { quietLibsignal } from './wire/libsignal-console.ts';
import { WireLog } from './wire/wire-log.ts';

export type { Addressing, Person } from './accounts/person.ts';
export type { ChatLine, LineChange, Problem, SimulatorEvents } from './events.ts';
export type { Faults } from './server/faults.ts';

const DEFAULT_WAIT_MS = 10_000;

/** All optional: free ports, no wire log, an owner with a made-up number. */
export interface SimulatorOptions {
  port?: number;
  controlPort?: number;
  /** Path of a JSONL file to append to. */
  wireLog?: string;
  owner?: { number?: string; name?: string };
  /** What differs from the defaults of `ServiceRules`. */
  rules?: Partial<ServiceRules>;
}

/** A group as it is now. */
export interface ShownGroup {
  jid: string;
  subject: string;
  addressing: Addressing;
  members: readonly Person[];
  admins: readonly Person[];
}

/** Whose phone it is. */
export interface AsWhom {
  as?: Person;
}

/** Who changes a group. */
export interface ByWhom {
  by?: Person;
}

/**
 * A WhatsApp server on loopback with the phones of some people. One of them, the owner, has (or will have) a linked
 * device: the client under test. The others may have linked devices too. Everything that people see is told in phone-number JIDs.
 */
export class Simulator {
  /** Resolves when the simulator has ended, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #server: Server;
  readonly #service: Service;
  readonly #releaseConsole: () => void;
  #port = 0;
  #control: ControlServer | undefined;
  #certificateFolder: string | undefined;
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
    const log = await WireLog.open(options.wireLog);
    const media = await MediaServer.start();
    const server = new Server(
      (targets) =>
        new Service({
          directory,
          events,
          log,
          chats: new Chats(events),
          faults: new Faults(targets, media),
          receipts: new ReceiptBook(),
          media,
          rules: ServiceRules.parse(options.rules ?? {}),
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

  /** The PEM of the authority that a client must trust when it up- and downloads files. */
  get mediaCertificate(): string {
    return this.#service.media.authority;
  }

  /** Where a file of that direct path lies on the media server. */
  mediaUrlOf(directPath: string): string {
    return this.#service.media.urlOf(directPath);
  }

  /**
   * Writes `mediaCertificate` to a file, which is gone when the simulator ends; a process that is started with its
   * path as `NODE_EXTRA_CA_CERTS` can use the media server.
   */
  async writeMediaCertificate(): Promise<string> {
    this.#certificateFolder ??= await mkdtemp(join(tmpdir(), 'simulator-'));
    const path = join(this.#certificateFolder, 'media.pem');
    await writeFile(path, this.mediaCertificate);
    return path;
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

  /** How it treats clients now. */
  get rules(): Readonly<ServiceRules> {
    return this.#service.rules;
  }

  /** Changes some of `ServiceRules`, for connections that are made from now on. Throws ZodError. */
  changeRules(change: Readonly<Record<string, unknown>>): void {
    this.#service.rules = ServiceRules.parse({ ...this.rules, ...change });
  }

  get people(): readonly Person[] {
    return this.#service.directory.people;
  }

  /** All groups, the owner's and others. */
  get groups(): readonly ShownGroup[] {
    return this.#service.directory.groups.map(({ jid, subject, addressing, members, admins }) => ({
      jid,
      subject,
      addressing,
      members,
      admins,
    }));
  }

  /** What the client did wrong and what this server does not know; empty when all is well. */
  get problems(): readonly Problem[] {
    return this.#service.problems;
  }

  /**
   * Adds somebody with a phone; without a number one is made up. With a username nobody else is told the number, and who
   * they are is said by LID and username. Throws BadPerson.
   */
  addPerson(person: { name: string; number?: string; username?: string }): Person {
    return this.#service.directory.addPerson(person);
  }

  /** Somebody makes a group on the phone; see NewGroup. Linked devices are told. Throws BadGroupChange. */
  createGroup(group: NewGroup): { jid: string; subject: string } {
    const created = this.#service.directory.createGroup(group);
    this.#server.groupChanges.created(created);
    return { jid: created.jid, subject: created.subject };
  }

  /** An admin (`by`, or one of them) adds somebody. Throws UnknownJid or BadGroupChange, as the next ones do. */
  addMember(group: string, person: Person, { by }: ByWhom = {}): void {
    this.#server.groupChanges.add(this.#service.directory.group(group), person, by);
  }

  /** An admin takes somebody out, who gets nothing more of the group. */
  removeMember(group: string, person: Person, { by }: ByWhom = {}): void {
    this.#server.groupChanges.remove(this.#service.directory.group(group), person, by);
  }

  /** Somebody leaves by themselves. */
  leave(group: string, person: Person): void {
    this.#server.groupChanges.leave(this.#service.directory.group(group), person);
  }

  /** An admin makes somebody an admin. */
  promote(group: string, person: Person, { by }: ByWhom = {}): void {
    this.#server.groupChanges.setAdmin(this.#service.directory.group(group), person, true, by);
  }

  /** An admin makes an admin an ordinary member. */
  demote(group: string, person: Person, { by }: ByWhom = {}): void {
    this.#server.groupChanges.setAdmin(this.#service.directory.group(group), person, false, by);
  }

  /** Any member (`by`, or an admin) gives the group another name. */
  renameGroup(group: string, subject: string, { by }: ByWhom = {}): void {
    this.#server.groupChanges.rename(this.#service.directory.group(group), subject, by);
  }

  /**
   * Somebody sets after how many seconds the messages of a chat disappear (0: they stay), and linked devices are told: by
   * a message in a direct chat, by a notification in a group. What phones say there from then on names the timer.
   * Rejects as `say` does.
   */
  async setTimer(
    chat: string,
    seconds: number,
    { as, of, ...how }: How & Pick<Saying, 'as' | 'of'> = {},
  ): Promise<void> {
    const group = this.#service.directory.findGroup(chat);
    const whom = { ...(as && { as }), ...(of && { of }) };
    if (group) this.#server.groupChanges.setTimer(group, seconds, as);
    else await this.#server.inbound.setTimer({ chat, ...whom, ...how }, seconds);
  }

  /** From now on the phone number of this member stands in what the group's other members get. */
  revealNumber(group: string, person: Person): void {
    this.#service.directory.group(group).reveal(person);
  }

  /**
   * The owner's phone, or that of `as`, scans the QR code; resolves when the pairing is complete and the restart (515) was sent.
   * Rejects with BadQr, UnknownQr, QrMismatch, CouldNotLink, BadDeviceSignature or ConnectionLost.
   */
  scanQr(qr: string, { as }: AsWhom = {}): Promise<void> {
    return this.#server.scan(qr, as);
  }

  /**
   * The owner (or `as`) enters the eight characters of a pairing code on the phone; resolves as `scanQr` does. Rejects with
   * BadCode (no client that is connected asked for it), CouldNotLink, BadDeviceSignature or ConnectionLost.
   */
  enterCode(code: string, { as }: AsWhom = {}): Promise<void> {
    return this.#server.enterCode(code, as);
  }

  /**
   * Links a device to the owner's account, or that of `as`, without a client: as if one had been paired, had
   * logged in and had got the history, of which it keeps who is who. A client with what this returns logs in with
   * no QR code.
   */
  linkDevice({ as }: AsWhom = {}): Promise<LinkedCredentials> {
    return this.#server.linkDevice(as);
  }

  /**
   * Something was said long before: the chat shows it, and devices that are linked from now on get it in the history
   * of their first login, never as a message. Throws UnknownJid or NotInChat.
   */
  addPast(past: PastLine): ChatLine {
    return addPast(this.#service, past);
  }

  /** Somebody says something; see Saying. Rejects with UnknownJid, NotInChat, UnknownLine or BadSaying. */
  say(saying: Saying): Promise<ChatLine> {
    return this.#server.inbound.say(saying);
  }

  /**
   * The owner writes to Meta AI (or `bot`) on the phone; linked devices get a copy, which no chat here shows. Resolves with
   * the message's id. A device whose receipt does not name the bot as recipient gets it again at each login.
   */
  writeToBot(saying: ToBot): Promise<string> {
    return this.#server.inbound.writeToBot(saying);
  }

  /** Somebody posts a status, as a `status` stanza or as a `message`. Resolves with its id. */
  postStatus({ as, text, tag }: { as: Person; text: string; tag?: 'status' | 'message' }): Promise<string> {
    return this.#server.inbound.postStatus(as, text, tag);
  }

  /** The author changes the text or caption of a line. Rejects with UnknownLine, NotAllowed or NotInChat. */
  edit(lineId: string, text: string, how?: How): Promise<ChatLine> {
    return this.#server.inbound.edit(lineId, text, how);
  }

  /** The author, or `by`, an admin of the group, removes a line for everybody. Rejects as `edit` does. */
  remove(lineId: string, how?: How & { by?: Person }): Promise<ChatLine> {
    return this.#server.inbound.remove(lineId, how);
  }

  /** Somebody (the owner on the phone, by default) reacts to a line; "" takes it back. Rejects as `edit` does. */
  react(lineId: string, emoji: string, how?: How & { as?: Person }): Promise<ChatLine> {
    return this.#server.inbound.react(lineId, emoji, how);
  }

  /**
   * Somebody's phone asks for a linked device's message again as if it could not read it, whether the message was for them or
   * not. Rejects with UnknownLine.
   */
  askAgain(lineId: string, { as }: { as: Person }): Promise<void> {
    return this.#server.askAgain(lineId, as);
  }

  /** What the chat shows on the owner's phone, or on that of `as`, in order. */
  chat(jid: string, { as = this.owner }: AsWhom = {}): readonly ChatLine[] {
    return this.#service.chats.of(this.#service.directory.find(jid)?.jid ?? jid, as);
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
    await this.#service.media.close();
    this.#service.directory.close();
    await this.#service.log.close();
    if (this.#certificateFolder) await rm(this.#certificateFolder, { recursive: true });
    this.#releaseConsole();
    this.#resolveClosed();
  }
}
