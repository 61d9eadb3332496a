import type { BinaryNode } from '@whiskeysockets/baileys';
import type { MediaServer } from '../media/media-server.ts';
import type { BrokenSignature } from '../wire/certificate.ts';
import { seconds } from '../wire/nodes.ts';
import { loginFailure, streamError } from './close-stanzas.ts';
import type { Connection } from './connection.ts';
import { type Restriction, restrictionNotice } from './restriction.ts';

/** What faults act upon. */
export interface FaultTargets {
  connections(): readonly Connection[];
  /** Cuts TCP connections, those in the middle of an upgrade too. */
  cut(): void;
  unlinkDevices(): Promise<number>;
  loseSessions(): void;
  /** Queues a stanza for every linked device of the owner. */
  tellOwner(node: BinaryNode): void;
  note(fault: string, detail?: unknown): void;
}

/** Not compressed; a list of three things, of which the first one is a string longer than the frame. */
const BAD_FRAME = Buffer.from([0, 248, 3, 252, 255]);

/** Takes from a counter; true while there was something left. */
function take(counter: { left: number }): boolean {
  if (counter.left <= 0) return false;
  counter.left--;
  return true;
}

const BANNED = 402;

/** Troubles to make, each until it is used up or `clear` is called. All of them go to the wire log. */
export class Faults {
  readonly #targets: FaultTargets;
  readonly #media: MediaServer;
  #offline = false;
  #broken: BrokenSignature = 'none';
  readonly #upgrades = { status: 503, left: 0 };
  readonly #logins = { code: 401, left: 0 };
  #ban: { readonly endsAt: number; readonly reason: number } | undefined;
  readonly #sends = { code: 463, left: 0 };
  readonly #acks = { left: 0 };
  readonly #delays = { ms: 0, left: 0 };
  readonly #deaf = { wire: false, left: 0 };
  #restriction: Restriction | undefined;
  #withheld: { connection: Connection; ack: BinaryNode; confirm: () => void }[] = [];
  readonly #garbled = { left: 0 };
  readonly #hidden = { left: 0 };
  readonly #forged = { left: 0 };
  #backlogReceipts: number | undefined;
  #backlogPauseMs = 0;
  #sendsBadFrames = false;
  #badStanzas = 0;

  constructor(targets: FaultTargets, media: MediaServer) {
    this.#targets = targets;
    this.#media = media;
  }

  /** Cuts every connection without a word. Returns how many there were. */
  dropConnections(): number {
    const count = this.#targets.connections().length;
    this.#targets.note('dropConnections', { count });
    for (const connection of this.#targets.connections()) connection.terminate();
    return count;
  }

  /** Closes every connection with a last word that a client takes for this code; see streamError. */
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

  /** WhatsApp bans the account for a time: logins are answered with 402 and the seconds that are left. */
  banAccount(seconds: number, reason = 101): void {
    this.#targets.note('banAccount', { seconds, reason });
    this.#ban = { endsAt: Date.now() + seconds * 1000, reason };
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

  /** Lets the acks (and receipts) for the next messages, all when no number is given, come so many ms later. */
  delayAcks(ms: number, count = Number.POSITIVE_INFINITY): void {
    this.#targets.note('delayAcks', { ms, count });
    Object.assign(this.#delays, { ms, left: count });
  }

  /**
   * Connections stay open but the server says nothing on them any more, not even an answer to a ping; for ever, since
   * a connection cannot be taken up again after it. It concerns the present ones and the `next` new ones, which get
   * not even an answer to their handshake. With `wire` nothing is read either, so that a client's closing stays
   * unanswered, as when the network is gone without a word. Returns how many present ones there were.
   */
  deafen({ wire = false, next = 0 }: { wire?: boolean; next?: number } = {}): number {
    const connections = this.#targets.connections();
    this.#targets.note('deafen', { wire, next, count: connections.length });
    for (const connection of connections) connection.deafen(wire);
    Object.assign(this.#deaf, { wire, left: next });
    return connections.length;
  }

  /**
   * WhatsApp forbids the owner's account to write to new people (or allows it again) and tells its linked devices.
   * Sends are refused only by `rejectSends`. Without `seconds` the client is told no end.
   */
  restrictAccount(enforced = true, seconds?: number): void {
    this.#targets.note('restrictAccount', { enforced, seconds });
    const end = seconds === undefined ? {} : { endsAt: Date.now() + seconds * 1000 };
    this.#restriction = enforced ? end : undefined;
    this.#targets.tellOwner(restrictionNotice(this.#restriction));
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

  /** Sends backlogs slowly, with a pause before each stanza, from the next login on until `clear`. */
  slowBacklog(pauseMs: number): void {
    this.#targets.note('slowBacklog', { pauseMs });
    this.#backlogPauseMs = pauseMs;
  }

  /**
   * Sends what a client cannot decode, now and at each login before the backlog: a `frame` that is no stanza, until `clear`;
   * or a `stanza` without a sender, a receipt, until it is acknowledged. Returns the id of the stanza.
   */
  sendUndecodable(what: 'frame' | 'stanza' = 'stanza'): string | undefined {
    this.#targets.note('sendUndecodable', { what });
    if (what === 'frame') {
      this.#sendsBadFrames = true;
      for (const connection of this.#targets.connections()) this.beginBacklog(connection);
      return undefined;
    }
    const id = `UNDECODABLE${++this.#badStanzas}`;
    this.#targets.tellOwner({ tag: 'receipt', attrs: { id, t: seconds() } });
    return id;
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

  /** Answers the next questions for all groups (all, when no number is given) as if the account were in none. */
  hideGroups(times = Number.POSITIVE_INFINITY): void {
    this.#targets.note('hideGroups', { times });
    this.#hidden.left = times;
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

  /**
   * The media server loses all its files: downloads are answered with 410 until the client asks the phone to upload
   * again. Returns how many there were.
   */
  loseMedia(): number {
    const count = this.#media.store.lose();
    this.#targets.note('loseMedia', { count });
    return count;
  }

  /** Answers the next uploads of files with 503. */
  refuseUploads(times = 1): void {
    this.#targets.note('refuseUploads', { times });
    this.#media.faults.refuseUploads(times);
  }

  /** Gives only the first half of a file at the next downloads, as if that were all. */
  truncateMedia(times = 1): void {
    this.#targets.note('truncateMedia', { times });
    this.#media.faults.truncate(times);
  }

  /** Downloads take their time, from now on until `clear`. */
  slowMedia(bytesPerSecond: number): void {
    this.#targets.note('slowMedia', { bytesPerSecond });
    this.#media.faults.slowDown(bytesPerSecond);
  }

  /** Ends all standing faults (lost files stay lost); acks kept back are sent. */
  clear(): void {
    this.#targets.note('clear');
    this.#offline = false;
    this.#broken = 'none';
    this.#upgrades.left = 0;
    this.#logins.left = 0;
    this.#ban = undefined;
    this.#sends.left = 0;
    this.#garbled.left = 0;
    this.#hidden.left = 0;
    this.#forged.left = 0;
    this.#backlogReceipts = undefined;
    this.#backlogPauseMs = 0;
    this.#sendsBadFrames = false;
    this.#media.faults.clear();
    this.#delays.left = 0;
    this.#deaf.left = 0;
    if (this.#restriction) this.restrictAccount(false);
    this.releaseAcks();
  }

  /** The standing faults, for people. */
  get standing(): Record<string, unknown> {
    return {
      offline: this.#offline,
      certificate: this.#broken,
      upgrades: this.#upgrades.left > 0 ? { ...this.#upgrades } : undefined,
      ban: this.#ban,
      logins: this.#logins.left > 0 ? { ...this.#logins } : undefined,
      sends: this.#sends.left > 0 ? { ...this.#sends } : undefined,
      garbledMessages: this.#garbled.left > 0 ? this.#garbled.left : undefined,
      hiddenGroups: this.#hidden.left > 0 ? this.#hidden.left : undefined,
      forgedSignatures: this.#forged.left > 0 ? this.#forged.left : undefined,
      withholdingAcks: this.#acks.left > 0,
      withheldAcks: this.#withheld.length,
      delayedAcks: this.#delays.left > 0 ? { ...this.#delays } : undefined,
      deafNext: this.#deaf.left > 0 ? { ...this.#deaf } : undefined,
      restriction: this.#restriction,
      dropDuringBacklog: this.#backlogReceipts,
      backlogPauseMs: this.#backlogPauseMs || undefined,
      sendingBadFrames: this.#sendsBadFrames || undefined,
      ...this.#media.faults.standing,
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

  /** For the server: the answer to this login, if it is to be refused. */
  takeLogin(): BinaryNode | undefined {
    const left = this.#ban === undefined ? 0 : this.#ban.endsAt - Date.now();
    if (this.#ban && left > 0) {
      const expire = Math.ceil(left / 1000).toString();
      return loginFailure(BANNED, { code: this.#ban.reason.toString(), expire });
    }
    return take(this.#logins) ? loginFailure(this.#logins.code) : undefined;
  }

  /** For the server: the code for this send, if it is to be rejected. */
  takeSend(): number | undefined {
    return take(this.#sends) ? this.#sends.code : undefined;
  }

  /** For the server: is this message to be spoilt? */
  takeGarble(): boolean {
    return take(this.#garbled);
  }

  /** For the server: is this question for all groups to be answered with none? */
  takeHiding(): boolean {
    return take(this.#hidden);
  }

  /** For the server: is this pairing's signature to be forged? */
  takeForgery(): boolean {
    return take(this.#forged);
  }

  /** For the server: is a new connection to be deaf from its beginning? */
  deafenNew(connection: Connection): void {
    if (take(this.#deaf)) connection.deafen(this.#deaf.wire);
  }

  /** For the server: what WhatsApp forbids the owner's account now. */
  get restriction(): Restriction | undefined {
    return this.#restriction;
  }

  /** For the server: sends an ack and lets the phones confirm, or keeps both, or lets them wait. */
  ack(connection: Connection, ack: BinaryNode, confirm: () => void): void {
    if (take(this.#acks)) {
      this.#withheld.push({ connection, ack, confirm });
      return;
    }
    const answer = (): void => {
      connection.send(ack);
      confirm();
    };
    if (take(this.#delays)) setTimeout(answer, this.#delays.ms).unref();
    else answer();
  }

  /** For the server: the backlog is about to be sent. */
  beginBacklog(connection: Connection): void {
    if (this.#sendsBadFrames) connection.sendFrame(BAD_FRAME);
  }

  /** For the server: the time before each stanza of a backlog. */
  get backlogPauseMs(): number {
    return this.#backlogPauseMs;
  }

  /** For the server: a stanza of the backlog was acknowledged. */
  backlogAcknowledged(connection: Connection): void {
    if (this.#backlogReceipts === undefined || --this.#backlogReceipts > 0) return;
    this.#backlogReceipts = undefined;
    connection.terminate();
  }
}
