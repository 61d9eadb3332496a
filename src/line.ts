import type { Channel, ChannelListener, LineState } from './channel/channel.ts';
import { WhatsAppChannel } from './channel/whatsapp/whatsapp-channel.ts';
import type { Clock, NewId } from './clock.ts';
import type { BaseConfig } from './config.ts';
import { GroupNews } from './conversation/group-news.ts';
import { LineRecord } from './conversation/line-record.ts';
import { LoopBreaker } from './conversation/loop-breaker.ts';
import { Merging } from './conversation/merging.ts';
import { Reception } from './conversation/reception.ts';
import { SenderAllowlist } from './conversation/sender-allowlist.ts';
import { Welcome } from './conversation/welcome.ts';
import { Delivery } from './delivery/delivery.ts';
import { namePrefix, present } from './delivery/presentation.ts';
import { Restriction } from './delivery/restriction.ts';
import type { Log } from './log.ts';
import type { Paths } from './paths.ts';
import { CommitQueue } from './store/commit-queue.ts';
import type { Store } from './store/store.ts';
import type { Timings } from './timings.ts';

export {
  archiveCredentials,
  freshenCredentials,
  inspectCredentials,
} from './channel/whatsapp/credentials.ts';
export { oldVersionAdvice, versionInUse, versionInWords } from './channel/whatsapp/version.ts';

export interface LineOptions {
  readonly config: BaseConfig;
  readonly paths: Paths;
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  readonly timings: Timings;
  readonly onLine: (state: LineState) => void;
  readonly keepOfferingQr: boolean;
  /** Called when a message has come: the channel has written it, whether the store takes it or not. */
  readonly onArrival?: (() => void) | undefined;
  /** The phone number of the account to link by a code, digits only. */
  readonly pairWith?: string | undefined;
}

/** What lies between the store and the phone. */
export interface Line {
  readonly channel: Channel;
  readonly delivery: Delivery;
  readonly loops: LoopBreaker;
  readonly welcome: Pick<Welcome, 'greeting'>;
  /** What the channel calls. */
  readonly listener: ChannelListener;
  /** To be called when the channel has stopped: what the database did not take yet is tried a last time. */
  stop(): void;
}

/** Wires the channel, what it brings in and what goes out by it. Nothing is started. */
export function wireLine({
  config,
  paths,
  store,
  clock,
  newId,
  log,
  timings,
  onLine,
  keepOfferingQr,
  onArrival,
  pairWith,
}: LineOptions): Line {
  const presentation = { assistantName: config.assistantName, ownNumber: config.ownNumber };
  const senders = new SenderAllowlist({ file: paths.senderAllowlist, store, clock, log });
  const { timezone, maxTurnsPerHour } = config;
  const loops = new LoopBreaker({ store, clock, newId, log, timezone, maxTurnsPerHour, timings });
  // Lists and the like begin on the line after it.
  const ownPrefix = namePrefix(presentation)?.trimEnd();
  const commits = new CommitQueue({ store, clock, log, timings });
  const reception = new Reception({ store, loops, senders, commits, ownPrefix, clock, log, timings });
  const groupNews = new GroupNews({ store, clock, newId, log });
  const merging = new Merging(store, commits, log);
  const record = new LineRecord({ store, clock, timezone: config.timezone, log, timings });
  const welcome = new Welcome(store, config.assistantName, clock, log);
  const restriction = new Restriction(store, clock, log);
  const recordRestriction = (write: () => void): void =>
    void commits.add('a restriction of the account', write);
  const listener: ChannelListener = {
    onMessage: (message, later) => {
      onArrival?.();
      if (!message.fromMe) restriction.heardFrom(message.chatJid, recordRestriction);
      return reception.onMessage(message, later);
    },
    onChange: (change, later) => reception.onChange(change, later),
    onMembers: (chatJid, members) =>
      void commits.add('the members of a group', () => groupNews.onMembers(chatJid, members)),
    onAllGroups: (chatJids) =>
      void commits.add('the list of all groups', () => groupNews.onAllGroups(chatJids)),
    onSamePerson: (from, to) => merging.onSamePerson(from, to),
    onRestriction: (reason) => restriction.report(reason, recordRestriction),
    onChat: (chat) => void commits.add('the name of a chat', () => groupNews.onChat(chat)),
    onAccount: (account, firstPairing) => {
      const isCommitted = commits.add('the account', () => welcome.onAccount(account, firstPairing));
      commits.add('who may trigger', () => senders.refresh());
      return isCommitted;
    },
    together: (tell) => commits.together(tell),
    onLine: (state) => {
      if (state.status === 'open') {
        delivery.wake();
        loops.wake();
      }
      onLine(state);
      // Last: it may have to wait for a database that somebody else has locked.
      record.onLine(state);
    },
  };
  const channel = new WhatsAppChannel({
    databaseFile: paths.whatsappDatabase,
    url: config.whatsapp.url,
    rootKey: config.whatsapp.rootKey,
    version: config.whatsapp.version,
    versionFile: paths.whatsappVersion,
    addressing: config.whatsapp.addressing,
    listener,
    log,
    clock,
    random: Math.random,
    recallSent: (wireId, chatJid) => {
      const row = store.outbox.findByWireId(wireId);
      const isOfChat = row?.chatJid === store.samePerson.current(chatJid);
      return row === undefined || !isOfChat ? undefined : present(row.message, presentation);
    },
    keepOfferingQr,
    pairWith,
    timings,
  });
  const delivery = new Delivery({ store, channel, clock, log, presentation, restriction, timings });
  store.bells.on('outbox', () => delivery.wake());
  store.bells.on('messages', () => loops.wake());
  return {
    channel,
    delivery,
    loops,
    welcome,
    listener,
    stop: () => {
      for (const each of [reception, commits, record, loops]) each.stop();
    },
  };
}
