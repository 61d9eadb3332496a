import type { BaileysEventMap, BinaryNode, WASocket } from '@whiskeysockets/baileys';
import { SECOND } from '../../clock.ts';
import type { Account } from '../channel.ts';
import { Connection, type LiveSocket } from './connection.ts';
import { Contacts } from './contacts.ts';
import type { CredentialsStore } from './credentials-store.ts';
import { textOf } from './errors.ts';
import { Groups } from './groups.ts';
import { History } from './history.ts';
import { Identity } from './identity.ts';
import { Inbound } from './inbound.ts';
import type { WhatsAppOptions } from './options.ts';
import { Outbound, recalled } from './outbound.ts';
import { Plaintexts } from './plaintexts.ts';
import { Backoff } from './reconnect.ts';
import { durableSignalRepository } from './signal-repository.ts';
import { openSocket } from './socket.ts';
import { WHATSAPP_VERSION } from './version.ts';

const SEND_TIMEOUT_MS = 30 * SECOND;
const CONNECT_TIMEOUT_MS = 60 * SECOND;

/** What exists between the channel's start and stop, across all its sockets. */
export class LinkedDevice {
  readonly connection: Connection;
  readonly groups: Groups;
  readonly outbound: Outbound;
  readonly #options: WhatsAppOptions;
  readonly #store: CredentialsStore;
  readonly #identity: Identity;
  readonly #contacts: Contacts;
  readonly #inbound: Inbound;
  readonly #history: History;
  readonly #plaintexts = new Plaintexts();

  constructor(options: WhatsAppOptions, store: CredentialsStore) {
    const { listener, clock, log, random, backoff, sendTimeoutMs, connectTimeoutMs, keepOfferingQr } =
      options;
    this.#options = options;
    this.#store = store;
    const identity = new Identity(store, () => store.creds.me);
    const contacts = new Contacts(identity, () => store.creds.me?.name);
    const groups = new Groups(listener, identity, log);
    const groupName = (jid: string): string | undefined => groups.name(jid);
    this.#identity = identity;
    this.#contacts = contacts;
    this.groups = groups;
    this.#inbound = new Inbound({ listener, identity, contacts, groupName, clock, log });
    this.#history = new History(listener, identity, contacts, log);
    this.outbound = new Outbound(identity, sendTimeoutMs ?? SEND_TIMEOUT_MS, log);
    this.connection = new Connection({
      openSocket: () => this.#openSocket(),
      onState: (state) => listener.onLine(state),
      onOpen: (live) => this.#opened(live),
      onUnlinked: () => store.layAside(clock.now()),
      backoff: new Backoff(random, backoff),
      connectTimeoutMs: connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      keepOfferingQr: keepOfferingQr ?? false,
      clock,
      log,
    });
  }

  /** Undefined before pairing. */
  get account(): Account | undefined {
    const jid = this.#identity.ownerJid;
    return jid === undefined ? undefined : { jid, selfChatJid: jid, name: this.#contacts.nameOf(jid) };
  }

  /** Closes the line, forgets a pairing that nobody finished, and closes the credentials. */
  async end(): Promise<void> {
    await this.connection.stop();
    this.#store.discardUnpaired();
    this.#store.close();
  }

  #openSocket(): WASocket {
    const { recallSent, url, rootKey, version, qrTimeoutMs, log } = this.#options;
    const { creds, keys } = this.#store;
    const socket = openSocket({
      url,
      rootKey,
      version: version ?? WHATSAPP_VERSION,
      auth: { creds, keys },
      makeSignalRepository: durableSignalRepository({
        store: keys,
        plaintexts: this.#plaintexts,
        onEncrypt: this.outbound.onEncrypt,
      }),
      getMessage: async ({ id }) => recalled(id ? recallSent(id) : undefined),
      cachedGroupMetadata: async (jid) => this.groups.metadata(jid),
      qrTimeoutMs,
      log,
    });
    socket.ws.prependListener('CB:message', (node: BinaryNode) => this.#plaintexts.expect(node));
    this.#listen(socket);
    return socket;
  }

  /** The data of a socket is taken even when it is no longer the current one: its receipts may have left. */
  #listen(socket: WASocket): void {
    const { creds } = this.#store;
    const on = <E extends keyof BaileysEventMap>(
      event: E,
      take: (value: BaileysEventMap[E]) => void,
    ): void => {
      socket.ev.on(event, (value) => {
        // Baileys calls from timers too, where a throw would end the process.
        this.#guarded(`${event} could not be taken in`, () => take(value));
      });
    };
    on('creds.update', (update) => {
      this.#store.save(creds);
      if (update.me?.name) this.#reportSelfChat();
    });
    on('messages.upsert', ({ messages }) => this.#inbound.take(messages));
    on('messaging-history.set', (set) => this.#history.take(set));
    on('contacts.upsert', (list) => this.#history.contacts(list));
    on('contacts.update', (list) => this.#history.contacts(list));
    on('groups.upsert', (list) => this.groups.takeAll(list));
    on('groups.update', (list) => this.groups.updateAll(list));
    on('group-participants.update', ({ id }) => void this.groups.refresh(socket, id));
  }

  #opened(live: LiveSocket): void {
    this.#guarded('The account was not taken in', () => this.#reportAccount());
    this.groups.sync(live.socket).catch((error: unknown) => {
      this.#options.log.warn({ reason: textOf(error) }, 'The list of groups could not be fetched');
    });
  }

  #reportAccount(): void {
    const { account } = this;
    if (account === undefined) return;
    this.#reportSelfChat();
    const firstPairing = !this.#store.greeted;
    this.#options.listener.onAccount(account, firstPairing);
    // Only now: what the listener did is committed. A crash just before this line tells it once more.
    if (firstPairing) this.#store.markGreeted();
  }

  #reportSelfChat(): void {
    const { account } = this;
    if (account === undefined) return;
    this.#options.listener.onChat({ jid: account.selfChatJid, name: account.name, isGroup: false });
  }

  #guarded(failure: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.log.error({ err: error }, failure);
    }
  }
}
