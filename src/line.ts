import type { Channel, ChannelListener, LineState } from './channel/channel.ts';
import { WhatsAppChannel } from './channel/whatsapp/whatsapp-channel.ts';
import type { Clock } from './clock.ts';
import type { BaseConfig } from './config.ts';
import { Reception } from './conversation/reception.ts';
import { Welcome } from './conversation/welcome.ts';
import { Delivery } from './delivery/delivery.ts';
import { present } from './delivery/presentation.ts';
import type { Log } from './log.ts';
import type { Paths } from './paths.ts';
import type { Store } from './store/store.ts';

export interface LineOptions {
  readonly config: BaseConfig;
  readonly paths: Paths;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly onLine: (state: LineState) => void;
  readonly keepOfferingQr: boolean;
}

/** What lies between the store and the phone. */
export interface Line {
  readonly channel: Channel;
  readonly delivery: Delivery;
  readonly reception: Reception;
}

/** Wires the channel, what it brings in and what goes out by it. Nothing is started. */
export function wireLine({ config, paths, store, clock, log, onLine, keepOfferingQr }: LineOptions): Line {
  const presentation = { assistantName: config.assistantName, ownNumber: config.ownNumber };
  const reception = new Reception(store, clock, log);
  const welcome = new Welcome(store, config.assistantName, clock, log);
  const listener: ChannelListener = {
    onMessage: (message) => reception.onMessage(message),
    onChat: (chat) => reception.onChat(chat),
    onAccount: (account, firstPairing) => welcome.onAccount(account, firstPairing),
    onLine: (state) => {
      store.state.set('line', inWords(state));
      if (state.status === 'open') delivery.wake();
      onLine(state);
    },
  };
  const channel = new WhatsAppChannel({
    databaseFile: paths.whatsappDatabase,
    url: config.whatsapp.url,
    rootKey: config.whatsapp.rootKey,
    version: config.whatsapp.version,
    listener,
    log,
    clock,
    random: Math.random,
    recallSent: (wireId) => {
      const row = store.outbox.findByWireId(wireId);
      return row === undefined ? undefined : present(row.message, presentation);
    },
    keepOfferingQr,
  });
  const delivery = new Delivery({ store, channel, clock, log, presentation });
  store.bells.on('outbox', () => delivery.wake());
  return { channel, delivery, reception };
}

function inWords(state: LineState): string {
  const reason = 'reason' in state && state.reason !== undefined ? `: ${state.reason}` : '';
  return `${state.status}${reason}`;
}
