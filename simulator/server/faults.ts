import type { BinaryNode } from '@whiskeysockets/baileys';
import type { BrokenSignature } from '../wire/certificate.ts';
import type { Connection } from './connection.ts';

/** What faults act upon. */
export interface FaultTargets {
  connections(): readonly Connection[];
  /** Cuts TCP connections, those in the middle of an upgrade too. */
  cut(): void;
  unlinkDevices(): Promise<number>;
  loseSessions(): void;
  note(fault: string, detail?: unknown): void;
}

/** Takes from a counter; true while there was something left. */
function take(counter: { left: number }): boolean {
  if (counter.left <= 0) return false;
  counter.left--;
  return true;
}

/**
 * The stream error that WhatsApp closes a connection with. 440 and 401 are told by the name of a conflict, the
 * others by their code.
 */
export function streamError(code: number): BinaryNode {
  if (code === 440) {
    return { tag: 'stream:error', attrs: {}, content: [{ tag: 'conflict', attrs: { type: 'replaced' } }] };
  }
  const content = code === 401 ? [{ tag: 'conflict', attrs: { type: 'device_removed' } }] : undefined;
  const error: BinaryNode = { tag: 'stream:error', attrs: { code: code.toString() } };
  return content ? { ...error, content } : error;
}

/** Troubles to make, each until it is used up or `clear` is called. All of them go to the wire log. */
export class Faults {
  readonly #targets: FaultTargets;
  #offline = false;
  #broken: BrokenSignature = 'none';
  readonly #upgrades = { status: 503, left: 0 };
  readonly #logins = { code: 401, left: 0 };
  readonly #sends = { code: 463, left: 0 };
  readonly #acks = { left: 0 };
  #withheld: { connection: Connection; ack: BinaryNode; confirm: () => void }[] = [];
  readonly #garbled = { left: 0 };
  readonly #forged = { left: 0 };
  #backlogReceipts: number | undefined;

  constructor(targets: FaultTargets) {
    this.#targets = targets;
  }

  /** Cuts every connection without a word. Returns how many there were. */
  dropConnections(): number {
    const count = this.#targets.connections().length;
    this.#targets.note('dropConnections', { count });
    for (const connection of this.#targets.connections()) connection.terminate();
    return count;
  }

  /** Closes every connection with a stream error: 515, 503, 500 …; 440 is "replaced", 401 "device removed". */
  async closeWith(code: number): Promise<number> {
    this.#targets.note('closeWith', { code });
    const connections = [...this.#targets.connections()];
    await Promise.all(connections.map((connection) => connection.closeAfter(streamError(code))));
    return connections.length;
  }

  /** Answers the next logins (all, when no number is given) with `<failure reason=code>`. */
  refuseLogins(code: number, times = Number.POSITIVE_INFINITY): void {
    this.#targets.note('refuseLogins', { code, times });
    Object.assign(this.#logins, { code, left: times });
  }

  /** Answers the next WebSocket upgrades (all, when no number is given) with an HTTP status, 503 by default. */
  refuseUpgrades(status = 503, times = Number.POSITIVE_INFINITY): void {
    this.#targets.note('refuseUpgrades', { status, times });
    Object.assign(this.#upgrades, { status, left: times });
  }

  /** The network is down: connections are cut, new ones reset. What people say meanwhile waits. */
  goOffline(): void {
    this.#targets.note('goOffline');
    this.#offline = true;
    this.#targets.cut();
  }

  /** The network is back. */
  comeBack(): void {
    this.#targets.note('comeBack');
    this.#offline = false;
  }

  /** Signs one certificate of the chain with a foreign key, from the next connection on; 'none' heals it. */
  breakCertificate(which: BrokenSignature = 'leaf'): void {
    this.#targets.note('breakCertificate', { which });
    this.#broken = which;
  }

  /**
   * Delivers the next messages of the linked device (all, when no number is given) but keeps their acks back, and the
   * phones' receipts with them: a client takes either for the server's answer.
   */
  withholdAcks(count = Number.POSITIVE_INFINITY): void {
    this.#targets.note('withholdAcks', { count });
    this.#acks.left = count;
  }

  /**
   * Sends the acks and receipts kept back, on the connections that they belong to; those of lost connections are gone. Acks come
   * at once again. Returns how many were sent.
   */
  releaseAcks(): number {
    const live = this.#withheld.filter(({ connection }) => connection.open);
    this.#targets.note('releaseAcks', { sent: live.length, lost: this.#withheld.length - live.length });
    for (const { connection, ack, confirm } of live) {
      connection.send(ack);
      confirm();
    }
    this.#withheld = [];
    this.#acks.left = 0;
    return live.length;
  }

  /** Answers the next messages of the linked device with an error ack and delivers none of them. */
  rejectSends(code = 463, times = 1): void {
    this.#targets.note('rejectSends', { code, times });
    Object.assign(this.#sends, { code, left: times });
  }

  /** Cuts the connection when the client has acknowledged so many stanzas of its next offline backlog. */
  dropDuringBacklog(afterReceipts: number): void {
    this.#targets.note('dropDuringBacklog', { afterReceipts });
    this.#backlogReceipts = afterReceipts;
  }

  /** The owner removes all linked devices on the phone: stream error 401, and failure 401 at a later login. */
  async unlinkDevices(): Promise<number> {
    this.#targets.note('unlinkDevices');
    return this.#targets.unlinkDevices();
  }

  /** Spoils the ciphertext of the next messages to the linked device, which must ask for them again. */
  garbleMessages(count = 1): void {
    this.#targets.note('garbleMessages', { count });
    this.#garbled.left = count;
  }

  /** All phones lose their Signal sessions: they cannot read the linked device's next messages and ask again. */
  loseSessions(): void {
    this.#targets.note('loseSessions');
    this.#targets.loseSessions();
  }

  /** Signs the device's identity at the next pairings with a foreign key, to prove that a client looks at it. */
  forgeAccountSignature(times = 1): void {
    this.#targets.note('forgeAccountSignature', { times });
    this.#forged.left = times;
  }

  /** Ends all standing faults; acks kept back are sent. */
  clear(): void {
    this.#targets.note('clear');
    this.#offline = false;
    this.#broken = 'none';
    this.#upgrades.left = 0;
    this.#logins.left = 0;
    this.#sends.left = 0;
    this.#garbled.left = 0;
    this.#forged.left = 0;
    this.#backlogReceipts = undefined;
    this.releaseAcks();
  }

  /** The standing faults, for people. */
  get standing(): Record<string, unknown> {
    return {
      offline: this.#offline,
      certificate: this.#broken,
      upgrades: this.#upgrades.left > 0 ? { ...this.#upgrades } : undefined,
      logins: this.#logins.left > 0 ? { ...this.#logins } : undefined,
      sends: this.#sends.left > 0 ? { ...this.#sends } : undefined,
      garbledMessages: this.#garbled.left > 0 ? this.#garbled.left : undefined,
      forgedSignatures: this.#forged.left > 0 ? this.#forged.left : undefined,
      withholdingAcks: this.#acks.left > 0,
      withheldAcks: this.#withheld.length,
      dropDuringBacklog: this.#backlogReceipts,
    };
  }

  /** For the server: is the network down? */
  get offline(): boolean {
    return this.#offline;
  }

  /** For the server: which signature to spoil. */
  get brokenCertificate(): BrokenSignature {
    return this.#broken;
  }

  /** For the server: the status for this upgrade, if it is to be refused. */
  takeUpgrade(): number | undefined {
    return take(this.#upgrades) ? this.#upgrades.status : undefined;
  }

  /** For the server: the code for this login, if it is to be refused. */
  takeLogin(): number | undefined {
    return take(this.#logins) ? this.#logins.code : undefined;
  }

  /** For the server: the code for this send, if it is to be rejected. */
  takeSend(): number | undefined {
    return take(this.#sends) ? this.#sends.code : undefined;
  }

  /** For the server: is this message to be spoilt? */
  takeGarble(): boolean {
    return take(this.#garbled);
  }

  /** For the server: is this pairing's signature to be forged? */
  takeForgery(): boolean {
    return take(this.#forged);
  }

  /** For the server: sends an ack and lets the phones confirm, or keeps both. */
  ack(connection: Connection, ack: BinaryNode, confirm: () => void): void {
    if (take(this.#acks)) {
      this.#withheld.push({ connection, ack, confirm });
      return;
    }
    connection.send(ack);
    confirm();
  }

  /** For the server: a stanza of the backlog was acknowledged. */
  backlogAcknowledged(connection: Connection): void {
    if (this.#backlogReceipts === undefined || --this.#backlogReceipts > 0) return;
    this.#backlogReceipts = undefined;
    connection.terminate();
  }
}
