import { dirname, join } from 'node:path';
import type {
  BaileysEventMap,
  BinaryNode,
  GroupMetadata,
  proto,
  SignalKeyStore,
  SocketConfig,
  WAMessage,
  WAMessageKey,
  WASocket,
} from '@whiskeysockets/baileys';
import type { Account, LineState } from '../channel.ts';
import { Addresses } from './addresses.ts';
import { Connection, type LiveSocket } from './connection.ts';
import { Contacts } from './contacts.ts';
import type { CredentialsStore } from './credentials-store.ts';
import { DisappearingTimers } from './disappearing.ts';
import { JournalUnwritableError, textOf } from './errors.ts';
import { Groups } from './groups.ts';
import { History } from './history.ts';
import { Identity } from './identity.ts';
import { Inbound } from './inbound.ts';
import { Journal } from './journal.ts';
import { Linking, type LinkingOptions, referenceTimeoutMs } from './linking.ts';
import { nameOfMessage } from './message-key.ts';
import type { WhatsAppOptions } from './options.ts';
import { Outbound } from './outbound.ts';
import { Plaintexts } from './plaintexts.ts';
import { oncePerDevice, withOwnSenderKey } from './recipients.ts';
import { Backoff } from './reconnect.ts';
import { replay } from './replay.ts';
import { RestrictionReports } from './restriction.ts';
import { durableSignalRepository, keysWithTexts } from './signal-repository.ts';
import { openSocket } from './socket.ts';
import { MAX_AHEAD_MS } from './timestamp.ts';
import { takeUnbuffered } from './unbuffered.ts';
import { Undecodable } from './undecodable.ts';
import { Uploads } from './uploads.ts';
import { ClientVersions, type VersionInUse } from './version.ts';
import { announcedIn } from './view-once.ts';

/** What exists between the channel's start and stop, across all its sockets. */
export class LinkedDevice {
  readonly connection: Connection;
  readonly groups: Groups;
  readonly outbound: Outbound;
  readonly restrictions: RestrictionReports;
  readonly #options: WhatsAppOptions;
  readonly #store: CredentialsStore;
  readonly #identity: Identity;
  readonly #contacts: Contacts;
  readonly #timers: DisappearingTimers;
  readonly #inbound: Inbound;
  readonly #history: History;
  readonly #journal: Journal;
  readonly #versions: ClientVersions;
  /** What the present connection stated. */
  #stated: VersionInUse;
  readonly #plaintexts: Plaintexts;
  readonly #keys: SignalKeyStore;
  readonly #makeSignalRepository: SocketConfig['makeSignalRepository'];
  readonly #undecodable: Undecodable;
  /** Since when the line is not open, in milliseconds since the epoch. */
  #awaySince: number | undefined;

  constructor(options: WhatsAppOptions, store: CredentialsStore) {
    const { listener, clock, log, random, keepOfferingQr, timings } = options;
    this.#options = options;
    this.restrictions = new RestrictionReports((reason) => listener.onRestriction(reason));
    this.#store = store;
    const identity = new Identity(
      store,
      () => store.creds.me,
      (from, to) => listener.onSamePerson(from, to),
    );
    const contacts = new Contacts(identity, () => store.creds.me?.name);
    const timers = new DisappearingTimers(store.database, identity);
    const heard = (jid: string): string | undefined => contacts.heard(jid);
    const groups = new Groups(listener, identity, heard, log, (jid, seconds) => {
      // Of most groups there is nothing to keep. This clock may be ahead of the one by which changes are dated.
      if (seconds > 0 || timers.of(jid).seconds > 0)
        timers.note(jid, { seconds }, clock.now() - MAX_AHEAD_MS);
    });
    const groupName = (jid: string): string | undefined => groups.name(jid);
    this.#identity = identity;
    this.#contacts = contacts;
    this.groups = groups;
    this.#timers = timers;
    this.#inbound = new Inbound({ listener, identity, contacts, groupName, timers, clock, log });
    this.#history = new History(listener, identity, contacts, timers, clock, log);
    this.#versions = new ClientVersions({
      file: options.versionFile,
      fixed: options.version,
      serverUrl: options.url,
      clock,
      log,
    });
    this.#stated = this.#versions.current;
    this.#journal = new Journal(store.database, clock, log);
    this.#plaintexts = new Plaintexts(this.#journal, () => store.creds.me);
    this.#keys = withOwnSenderKey(keysWithTexts(store, this.#plaintexts), () => store.creds.me);
    const uploads = new Uploads(store.database, clock);
    this.outbound = new Outbound({
      identity,
      addressing: options.addressing ?? 'lid',
      addresses: new Addresses(store.database, clock),
      memberName: (group, person) => groups.memberName(this.connection.open?.socket, group, person),
      uploads,
      timers,
      timeoutMs: timings.sendTimeoutMs,
      log,
    });
    this.#makeSignalRepository = durableSignalRepository({
      store: this.#keys,
      plaintexts: this.#plaintexts,
      onEncrypt: this.outbound.onEncrypt,
    });
    this.#undecodable = new Undecodable(join(dirname(options.databaseFile), 'undecodable'), clock, log);
    this.connection = new Connection({
      openSocket: () => this.#openSocket(),
      onState: (state) => this.#entered(state),
      onOpen: (live) => this.#opened(live),
      onUnlinked: () => {
        // A link that was never finished has nothing to archive.
        if (!store.paired) return;
        store.layAside(clock.now());
        this.#journal.forget();
      },
      backoff: new Backoff(random, timings),
      onVersionRefused: () => this.#versions.refuse(this.#stated.version),
      link: (socket, events) => this.#link(socket, events),
      keepOfferingQr: keepOfferingQr ?? false,
      timings,
      clock,
      log,
    });
  }

  /** Undefined before pairing. */
  get account(): Account | undefined {
    const jid = this.#identity.ownerJid;
    if (jid === undefined) return undefined;
    // Each linking makes an identity of its own.
    const linkId = Buffer.from(this.#store.creds.signedIdentityKey.public).toString('base64');
    return { jid, selfChatJid: jid, name: this.#contacts.nameOf(jid), linkId };
  }

  /**
   * Hands on what an earlier process received and did not come to, then connects. To link an account the current
   * version is looked up first, 5 s at most. Never rejects.
   */
  async start(): Promise<void> {
    await this.#recover();
    this.#versions.start();
    if (!this.#store.paired) await this.#versions.lookUp();
    this.connection.start();
  }

  async #recover(): Promise<void> {
    const messages = await replay({
      journal: this.#journal,
      plaintexts: this.#plaintexts,
      creds: this.#store.creds,
      keys: this.#keys,
      makeSignalRepository: this.#makeSignalRepository,
      take: (message) => this.#inbound.takeOne(message, () => this.#settle(message)),
      log: this.#options.log,
    });
    if (messages > 0) this.#options.log.info({ messages }, 'Messages of an earlier process were taken in');
  }

  /** Closes the line, forgets a pairing that nobody finished, and closes the credentials. */
  async end(): Promise<void> {
    await this.connection.stop();
    await this.#versions.stop();
    this.#journal.flush();
    this.#store.discardUnpaired();
    this.#store.close();
  }

  #openSocket(): WASocket {
    const { url, rootKey, pairWith, qrTimeoutMs, log } = this.#options;
    // A pairing by code that nobody finished would log in with half an account, and be refused for good.
    this.#store.discardUnpaired();
    const { creds } = this.#store;
    this.#stated = this.#versions.current;
    const socket = openSocket({
      url,
      rootKey,
      version: this.#stated.version,
      auth: { creds, keys: this.#keys },
      makeSignalRepository: this.#makeSignalRepository,
      patchMessageBeforeSending: oncePerDevice(this.#identity),
      getMessage: async (key) => this.#recall(key),
      cachedGroupMetadata: async (jid) => this.#metadata(jid),
      qrTimeoutMs: referenceTimeoutMs({ pairWith, qrTimeoutMs }),
      undecodable: this.#undecodable,
      log,
    });
    socket.ws.prependListener('CB:message', (node: BinaryNode) => this.#enter(node));
    this.#listen(socket);
    return socket;
  }

  /** As Baileys needs it for a send: the stanza names the group's timer too. */
  #metadata(jid: string): GroupMetadata | undefined {
    const known = this.groups.metadata(jid);
    return known && { ...known, ephemeralDuration: this.#timers.of(jid).seconds };
  }

  #link(socket: WASocket, events: Pick<LinkingOptions, 'onOffer' | 'onFailure'>): Linking {
    const { pairWith, qrTimeoutMs, keepOfferingQr = false, clock, log } = this.#options;
    const { creds } = this.#store;
    const saveCreds = (): void => this.#store.save(creds);
    return new Linking({
      ...events,
      ...{ socket, creds, saveCreds, pairWith, qrTimeoutMs, keepOffering: keepOfferingQr, clock, log },
    });
  }

  /** For a device that could not read it; others in other chats may ask for the same id, and get nothing. */
  #recall(key: WAMessageKey): Promise<proto.IMessage | undefined> | undefined {
    const chatJid = this.#identity.chat({ remoteJid: key.remoteJid });
    if (!key.id || chatJid === undefined) return undefined;
    return this.outbound.recall(key.id, chatJid, this.#options.recallSent(key.id, chatJid));
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
      if (update.me?.name && this.#store.paired) this.#reportSelfChat();
      if (update !== creds && creds.me?.name) this.#stayAway(socket);
    });
    on('connection.update', ({ reachoutTimeLock: lock }) => {
      if (lock !== undefined) this.restrictions.told(lock);
    });
    takeUnbuffered(socket.ev, (messages) =>
      this.#guarded('Messages could not be taken in', () => this.#take(messages)),
    );
    on('messaging-history.set', (set) =>
      this.#options.listener.together(() => {
        for (const { lid, pn } of set.lidPnMappings ?? []) this.#identity.person(lid, pn);
        this.#history.take(set);
      }),
    );
    // Named once, a pair of names is known: `person` tells the listener.
    on('lid-mapping.update', ({ lid, pn }) => void this.#identity.person(lid, pn));
    on('contacts.upsert', (list) => this.#history.contacts(list));
    on('contacts.update', (list) => this.#history.contacts(list));
    on('groups.upsert', (list) => this.groups.takeAll(list));
    on('groups.update', (list) => this.groups.updateAll(list));
    on('group-participants.update', (change) => void this.groups.membersChanged(socket, change));
  }

  /**
   * At each change of the credentials that does not repeat the name Baileys sends a presence without a type (rc14). Taken
   * for being there, it would silence the phone: this follows it.
   */
  #stayAway(socket: WASocket): void {
    socket.sendPresenceUpdate('unavailable').catch((error: unknown) => {
      this.#options.log.debug({ reason: textOf(error) }, 'The absence could not be told');
    });
  }

  /** @throws JournalUnwritableError the message must not be handled, for a crash would lose it */
  #enter(node: BinaryNode): void {
    try {
      this.#plaintexts.arrived(node);
    } catch (error) {
      throw new JournalUnwritableError(error);
    }
    this.#guarded('The usernames of a message could not be taken in', () => this.#contacts.learnFrom(node));
    this.#guarded('An announced message could not be taken in', () => {
      const { me } = this.#store.creds;
      const announced = me && announcedIn(node, me);
      if (announced !== undefined) this.#handOn([announced]);
    });
  }

  #take(messages: readonly WAMessage[]): void {
    const news = messages.filter(({ key }) => !this.#plaintexts.wasRepeated(nameOfMessage(key)));
    for (const message of this.#handOn(news)) this.#settle(message);
  }

  #handOn(messages: readonly WAMessage[]): readonly WAMessage[] {
    return this.#inbound.take(messages, (message) => this.#settle(message));
  }

  #settle({ key }: WAMessage): void {
    this.#journal.settle(nameOfMessage(key));
  }

  #opened(live: LiveSocket): void {
    void this.#versions.loggedIn(this.#stated);
    this.#guarded('The account was not taken in', () => this.#reportAccount());
    this.#askForGroups(live);
    // Nobody tells that a restriction is over of which a refused message told; the answer comes as a `connection.update`.
    this.restrictions
      .ask(() => live.socket.fetchAccountReachoutTimelock())
      .catch((error: unknown) => {
        this.#options.log.debug({ reason: textOf(error) }, 'The restriction could not be asked for');
      });
  }

  #entered(state: LineState): void {
    const { clock, listener } = this.#options;
    this.#awaySince = state.status === 'open' ? undefined : (this.#awaySince ?? clock.now());
    listener.onLine(state);
  }

  /** Not at each opening: a flapping line would ask so often that WhatsApp refuses to answer. */
  #askForGroups({ socket }: LiveSocket): void {
    const { clock, log, timings } = this.#options;
    const awayMs = clock.now() - (this.#awaySince ?? clock.now());
    // What happens to groups in a shorter absence comes as notifications, which the server keeps.
    if (this.groups.wereListed && awayMs < timings.relistGroupsAfterMs) return;
    this.groups.sync(socket).catch((error: unknown) => {
      log.warn({ reason: textOf(error) }, 'The list of groups could not be fetched');
    });
  }

  #reportAccount(): void {
    const { account } = this;
    if (account === undefined) return;
    this.#reportSelfChat();
    const firstPairing = !this.#store.greeted;
    // Only what is committed: a crash just before this line tells it once more, and so does the next opening.
    const isCommitted = this.#options.listener.onAccount(account, firstPairing);
    if (firstPairing && isCommitted) this.#store.markGreeted();
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
