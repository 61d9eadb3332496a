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
  /** The phone number of the account to link by a code, digits only. */
  readonly pairWith?: string | undefined;
}

/** What lies between the store and the phone. */
export interface Line {
  readonly channel: Channel;
  readonly delivery: Delivery;
  readonly loops: LoopBreaker;
  readonly welcome: Pick<Welcome, 'greeting'>;
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
  pairWith,
}: LineOptions): Line {
  const presentation = { assistantName: config.assistantName, ownNumber: config.ownNumber };
  const senders = new SenderAllowlist({ file: paths.senderAllowlist, store, clock, log });
  const loops = new LoopBreaker({ store, clock, log, timezone: config.timezone });
  // Lists and the like begin on the line after it.
  const ownPrefix = namePrefix(presentation)?.trimEnd();
  const reception = new Reception({ store, loops, senders, ownPrefix, clock, log, timings });
  const groupNews = new GroupNews({ store, clock, newId, log });
  const merging = new Merging({ store, clock, log, timings });
  const record = new LineRecord({ store, clock, timezone: config.timezone, log, timings });
  const welcome = new Welcome(store, config.assistantName, clock, log);
  const restriction = new Restriction(store, clock, log);
  const listener: ChannelListener = {
    onMessage: (message, later) => {
      if (!message.fromMe) restriction.heardFrom(message.chatJid);
      return reception.onMessage(message, later);
    },
    onChange: (change, later) => reception.onChange(change, later),
    onMembers: (chatJid, members) => groupNews.onMembers(chatJid, members),
    onAllGroups: (chatJids) => groupNews.onAllGroups(chatJids),
    onSamePerson: (from, to) => merging.onSamePerson(from, to),
    onRestriction: (reason) => restriction.report(reason),
    onChat: (chat) => groupNews.onChat(chat),
    onAccount: (account, firstPairing) => {
      welcome.onAccount(account, firstPairing);
      senders.refresh();
    },
    onLine: (state) => {
      if (state.status === 'open') delivery.wake();
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
  return {
    channel,
    delivery,
    loops,
    welcome,
    stop: () => {
      for (const each of [reception, merging, record]) each.stop();
    },
  };
}
