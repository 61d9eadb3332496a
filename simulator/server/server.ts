import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Companion } from '../accounts/companion.ts';
import type { PhoneDevice } from '../accounts/device.ts';
import { addressingOf, addressOf, type Person } from '../accounts/person.ts';
import { UnknownLine } from '../messages/saying.ts';
import { CertificateAuthority } from '../wire/certificate.ts';
import { type Introduction, NoiseServer } from '../wire/noise.ts';
import { shorten } from '../wire/wire-log.ts';
import { loginFailure, streamError } from './close-stanzas.ts';
import { Connection, type ConnectionHandler } from './connection.ts';
import { tellDevices } from './device-notices.ts';
import type { FaultTargets } from './faults.ts';
import { GroupChanges } from './group-changes.ts';
import { Inbound } from './inbound.ts';
import { type LinkedCredentials, linkWithoutClient } from './linking.ts';
import { Listener } from './listener.ts';
import { isTooOld, login, readRegistration, TOO_OLD } from './login.ts';
import { askAgain } from './outbound.ts';
import { BadDeviceSignature, CouldNotLink, Pairing } from './pairing.ts';
import { BadCode, readCode } from './pairing-code.ts';
import { readQr } from './qr.ts';
import type { Service } from './service.ts';
import { Session } from './session.ts';

const BAD_REQUEST = 400;
/** Time for a client's request for a code to arrive after the client showed the code. */
const CODE_GRACE_MS = 500;
const RESTART = 515;
const SERVER_ERROR = 500;

/** No connection shows this QR code (any more). */
export class UnknownQr extends Error {
  constructor() {
    super(
      'No client that is waiting for its pairing shows this QR code: scan the code of a connected client.',
    );
    this.name = 'UnknownQr';
  }
}

/**
 * The WhatsApp server: takes connections, and leads each through its handshake to a pairing or to a session of a
 * linked device.
 */
export class Server implements ConnectionHandler, FaultTargets {
  readonly authority = new CertificateAuthority();
  readonly inbound: Inbound;
  readonly groupChanges: GroupChanges;
  readonly #service: Service;
  readonly #connections = new Map<number, Connection>();
  readonly #pairings = new Map<number, Pairing>();
  readonly #sessions = new Map<number, Session>();
  #listener: Listener | undefined;
  #nextConnection = 1;

  constructor(makeService: (targets: FaultTargets) => Service) {
    this.#service = makeService(this);
    this.inbound = new Inbound(this.#service);
    this.groupChanges = new GroupChanges(this.#service);
  }

  get service(): Service {
    return this.#service;
  }

  /** Listens on 127.0.0.1; rejects with Node's error when the port is taken. Resolves with the port. */
  async listen(port: number): Promise<number> {
    const { faults } = this.#service;
    this.#listener = await Listener.start(port, {
      refuses: () => faults.offline,
      upgradeStatus: () => faults.takeUpgrade(),
      serviceWorker: () => {
        const { currentRevision } = this.#service.rules;
        return JSON.stringify(currentRevision === 0 ? {} : { client_revision: currentRevision });
      },
      entered: (socket) => {
        const noise = new NoiseServer(
          this.authority.serverKey,
          this.authority.chain(faults.brokenCertificate),
        );
        const connection = new Connection(this.#nextConnection++, socket, noise, this);
        faults.deafenNew(connection);
        this.#connections.set(connection.id, connection);
        this.#changed(connection, 'open');
      },
    });
    return this.#listener.port;
  }

  /** Cuts everything and frees the port. */
  async close(): Promise<void> {
    const connections = this.connections();
    for (const connection of connections) connection.terminate();
    await Promise.all(connections.map(({ closed }) => closed));
    await this.#listener?.close();
  }

  connections(): readonly Connection[] {
    return [...this.#connections.values()];
  }

  get sessions(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  /**
   * Somebody's phone scans a QR code. Rejects with UnknownQr, QrMismatch, CouldNotLink, BadDeviceSignature or
   * ConnectionLost.
   */
  async scan(text: string, as = this.#service.directory.owner): Promise<void> {
    const qr = readQr(text);
    const pairing = [...this.#pairings.values()].find((each) => each.has(qr.ref));
    if (!pairing) throw new UnknownQr();
    this.#checkVersion(pairing);
    const secret = await pairing.secretOf(qr);
    await this.#link(pairing, secret, this.#service.directory.phone(as));
  }

  /**
   * Somebody enters a pairing code on the phone. Of several clients that wait for one, the last to come counts.
   * Rejects with BadCode, CouldNotLink, BadDeviceSignature or ConnectionLost.
   */
  async enterCode(typed: string, as = this.#service.directory.owner): Promise<void> {
    const code = readCode(typed);
    const pairing = await this.#waitingForCode(as);
    if (!pairing) throw new BadCode(`no client that is connected asked for one for ${as.jid}`);
    const phone = this.#service.directory.phone(as);
    this.#checkVersion(pairing);
    await this.#link(pairing, await pairing.agree(code, phone), phone);
  }

  /** Links a device to somebody's account as a pairing and a first login do, without a connection. */
  async linkDevice(as = this.#service.directory.owner): Promise<LinkedCredentials> {
    const { directory } = this.#service;
    const device = directory.takeDeviceNumber(as);
    const { companion, linked } = await linkWithoutClient(this.#service, directory.phone(as), device);
    this.#linked(companion);
    return linked;
  }

  introduced(connection: Connection, introduction: Introduction): void {
    try {
      const registration = readRegistration(introduction.payload);
      if (registration) this.#pair(connection, introduction, registration);
      else this.#login(connection, introduction);
    } catch (error) {
      this.failed(connection, error);
      void connection.closeAfter(loginFailure(BAD_REQUEST));
    }
  }

  async received(connection: Connection, node: BinaryNode): Promise<void> {
    this.#note('in', connection, node);
    const pairing = this.#pairings.get(connection.id);
    if (pairing && !pairing.handle(node)) {
      this.#service.problem('unknown stanza', JSON.stringify(shorten(node)));
    }
    await this.#sessions.get(connection.id)?.handle(node);
  }

  sent(connection: Connection, node: BinaryNode): void {
    this.#note('out', connection, node);
  }

  failed(connection: Connection, error: unknown): void {
    this.#service.problem('failed', `connection ${connection.id}: ${String(error)}`);
  }

  closed(connection: Connection): void {
    this.#sessions.get(connection.id)?.end();
    this.#sessions.delete(connection.id);
    this.#pairings.get(connection.id)?.end();
    this.#pairings.delete(connection.id);
    this.#connections.delete(connection.id);
    this.#changed(connection, 'close');
  }

  cut(): void {
    this.#listener?.cut();
  }

  async unlinkDevices(): Promise<number> {
    const { directory } = this.#service;
    const companions = [...directory.companionsOf(directory.owner)];
    for (const companion of companions) {
      await directory.unlink(companion);
      tellDevices(this.#service, companion, 'remove');
      await this.#service.queue(companion).connection?.closeAfter(streamError(401));
    }
    return companions.length;
  }

  loseSessions(): void {
    for (const phone of this.#service.directory.phones) phone.loseSessions();
  }

  /** Somebody's phone asks a linked device for a message again. Rejects with UnknownLine when no linked device sent it. */
  async askAgain(id: string, as: Person): Promise<void> {
    const author = this.#service.authors.get(id);
    const address = this.#service.addresses.get(id) ?? '';
    const line = this.#service.chats.byId(id);
    if (!author || !line) throw new UnknownLine(id);
    const group = this.#service.directory.findGroup(line.chat);
    await askAgain(this.#service, author, { id, to: group?.jid ?? addressOf(as, addressingOf(address)) }, as);
  }

  tellOwner(node: BinaryNode): void {
    const { directory } = this.#service;
    for (const companion of directory.companionsOf(directory.owner)) this.#service.queue(companion).add(node);
  }

  note(fault: string, detail?: unknown): void {
    this.#service.log.write({ kind: 'fault', fault, detail });
  }

  /** Throws CouldNotLink for an old client that was told nothing when it connected. */
  #checkVersion({ isOld }: Pairing): void {
    if (isOld) throw new CouldNotLink('its version is too old');
  }

  #pair(
    connection: Connection,
    { noiseKey, payload }: Introduction,
    registration: ConstructorParameters<typeof Pairing>[2],
  ): void {
    const { faults, rules } = this.#service;
    const isOld = isTooOld(payload, rules);
    const tooOld = isOld && rules.oldVersions === 'refused' ? loginFailure(TOO_OLD) : undefined;
    const refused = faults.takeLogin() ?? tooOld;
    if (refused !== undefined) {
      void connection.closeAfter(refused);
      return;
    }
    const pairing = new Pairing(connection, noiseKey, registration, rules, isOld);
    this.#pairings.set(connection.id, pairing);
    pairing.offer();
  }

  /** A client shows its code when its request has left; the request may still be on its way here. */
  async #waitingForCode(account: Person): Promise<Pairing | undefined> {
    const find = (): Pairing | undefined =>
      [...this.#pairings.values()].findLast((each) => each.wants(account));
    if (find() || this.#pairings.size === 0) return find();
    await new Promise<void>((resolve) => {
      const stop = this.#service.events.on('stanza', () => {
        // The stanza is told before it is handled.
        setImmediate(() => {
          if (!find()) return;
          clearTimeout(timer);
          stop();
          resolve();
        });
      });
      const timer = setTimeout(() => {
        stop();
        resolve();
      }, CODE_GRACE_MS);
    });
    return find();
  }

  async #link(pairing: Pairing, secret: Buffer, phone: PhoneDevice): Promise<void> {
    const { directory, faults, rules } = this.#service;
    const { connection } = pairing;
    if (rules.passkey) pairing.requestPasskey();
    const device = directory.takeDeviceNumber(phone.owner);
    const companion = await pairing
      .complete(secret, phone, device, faults.takeForgery())
      .catch((error: unknown) => {
        if (error instanceof BadDeviceSignature) void connection.closeAfter(streamError(SERVER_ERROR));
        throw error;
      });
    this.#pairings.delete(connection.id);
    this.#linked(companion, connection);
    void connection.closeAfter(streamError(RESTART));
  }

  #linked(companion: Companion, connection?: Connection): void {
    const { directory, events, log } = this.#service;
    directory.link(companion);
    tellDevices(this.#service, companion, 'add');
    log.write({ kind: 'pairing', connection: connection?.id, device: companion.jid });
    events.emit('paired', { jid: companion.jid, lid: companion.lid });
  }

  #login(connection: Connection, introduction: Introduction): void {
    const companion = login(this.#service, connection, introduction);
    if (companion)
      this.#sessions.set(connection.id, new Session(this.#service, this.inbound, connection, companion));
  }

  #note(direction: 'in' | 'out', connection: Connection, node: BinaryNode): void {
    const { tag, attrs, content } = shorten(node);
    this.#service.log.write({ kind: 'stanza', connection: connection.id, direction, tag, attrs, content });
    this.#service.events.emit('stanza', { direction, connection: connection.id, node });
  }

  #changed({ id }: Connection, event: 'open' | 'close'): void {
    const count = this.#connections.size;
    this.#service.log.write({ kind: 'connection', connection: id, event, count });
    this.#service.events.emit('connection', { open: event === 'open', count });
  }
}
