import type { BinaryNode } from '@whiskeysockets/baileys';
import { type Group, groupElement } from '../accounts/group.ts';
import { addressOf } from '../accounts/person.ts';
import { CertificateAuthority } from '../wire/certificate.ts';
import { seconds } from '../wire/nodes.ts';
import { type Introduction, NoiseServer } from '../wire/noise.ts';
import { shorten } from '../wire/wire-log.ts';
import { Connection, type ConnectionHandler } from './connection.ts';
import { type FaultTargets, streamError } from './faults.ts';
import { Inbound, newMessageId } from './inbound.ts';
import { Listener } from './listener.ts';
import { login, loginFailure, readRegistration } from './login.ts';
import { BadDeviceSignature, Pairing } from './pairing.ts';
import { readQr } from './qr.ts';
import type { Service } from './service.ts';
import { Session } from './session.ts';

const BAD_REQUEST = 400;
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
  readonly #service: Service;
  readonly #connections = new Map<number, Connection>();
  readonly #pairings = new Map<number, Pairing>();
  readonly #sessions = new Map<number, Session>();
  #listener: Listener | undefined;
  #nextConnection = 1;

  constructor(makeService: (targets: FaultTargets) => Service) {
    this.#service = makeService(this);
    this.inbound = new Inbound(this.#service);
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
      entered: (socket) => {
        const noise = new NoiseServer(
          this.authority.serverKey,
          this.authority.chain(faults.brokenCertificate),
        );
        const connection = new Connection(this.#nextConnection++, socket, noise, this);
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

  /** The owner's phone scans a QR code. Rejects with UnknownQr and with what Pairing.complete rejects with. */
  async scan(text: string): Promise<void> {
    const { directory, events, log, faults } = this.#service;
    const { ref } = readQr(text);
    const pairing = [...this.#pairings.values()].find((each) => each.has(ref));
    if (!pairing) throw new UnknownQr();
    const { connection } = pairing;
    const phone = directory.phone(directory.owner);
    const device = directory.takeDeviceNumber();
    const companion = await pairing
      .complete(text, phone, device, faults.takeForgery())
      .catch((error: unknown) => {
        if (error instanceof BadDeviceSignature) void connection.closeAfter(streamError(SERVER_ERROR));
        throw error;
      });
    this.#pairings.delete(connection.id);
    directory.link(companion);
    log.write({ kind: 'pairing', connection: connection.id, device: companion.jid });
    events.emit('paired', { jid: companion.jid, lid: companion.lid });
    void connection.closeAfter(streamError(RESTART));
  }

  /** Tells the linked devices that the owner made a group on the phone. */
  announce(group: Group): void {
    const attrs = {
      from: group.jid,
      type: 'w:gp2',
      id: newMessageId(),
      t: seconds(),
      notify: group.creator.name,
      participant: addressOf(group.creator, group.addressing),
      ...(group.addressing === 'lid' && { participant_pn: group.creator.jid }),
    };
    const create: BinaryNode = { tag: 'create', attrs: { type: 'new' }, content: [groupElement(group)] };
    for (const companion of this.#service.directory.companions) {
      this.#service.queue(companion).add({ tag: 'notification', attrs, content: [create] });
    }
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
    this.#pairings.delete(connection.id);
    this.#connections.delete(connection.id);
    this.#changed(connection, 'close');
  }

  cut(): void {
    this.#listener?.cut();
  }

  async unlinkDevices(): Promise<number> {
    const { directory } = this.#service;
    const companions = [...directory.companions];
    for (const companion of companions) {
      await directory.unlink(companion);
      await this.#service.queue(companion).connection?.closeAfter(streamError(401));
    }
    return companions.length;
  }

  loseSessions(): void {
    for (const phone of this.#service.directory.phones) phone.loseSessions();
  }

  note(fault: string, detail?: unknown): void {
    this.#service.log.write({ kind: 'fault', fault, detail });
  }

  #pair(
    connection: Connection,
    { noiseKey }: Introduction,
    registration: ConstructorParameters<typeof Pairing>[2],
  ): void {
    const code = this.#service.faults.takeLogin();
    if (code !== undefined) {
      void connection.closeAfter(loginFailure(code));
      return;
    }
    const pairing = new Pairing(connection, noiseKey, registration);
    this.#pairings.set(connection.id, pairing);
    pairing.offer();
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
