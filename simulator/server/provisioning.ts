import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { proto } from '@whiskeysockets/baileys';
import type { Companion } from '../accounts/companion.ts';
import { seconds } from '../wire/nodes.ts';
import { stanzaKey } from './delivery-queue.ts';
import { encElements, newMessageId } from './inbound.ts';
import type { Service } from './service.ts';

const compress = promisify(deflate);
const { Type } = proto.Message.ProtocolMessage;
const { HistorySyncType } = proto.HistorySync;

async function bootstrap(service: Service): Promise<proto.Message.IHistorySyncNotification> {
  const { people } = service.directory;
  const history = proto.HistorySync.encode({
    syncType: HistorySyncType.INITIAL_BOOTSTRAP,
    conversations: [],
    pushnames: people.map(({ jid, name }) => ({ id: jid, pushname: name })),
    phoneNumberToLidMappings: people.map(({ jid, lid }) => ({ pnJid: jid, lidJid: lid })),
    chunkOrder: 1,
    progress: 100,
  }).finish();
  return {
    syncType: HistorySyncType.INITIAL_BOOTSTRAP,
    chunkOrder: 1,
    progress: 100,
    initialHistBootstrapInlinePayload: await compress(history),
  };
}

/**
 * What the phone sends to a device that was just linked: the key of the app state, then the first part of the
 * history (who is who; no old messages). Without it a client holds all events back for 20 seconds.
 *
 * @returns the keys of the stanzas in the device's queue.
 */
export async function provision(service: Service, companion: Companion): Promise<string[]> {
  const { owner } = service.directory;
  const phone = service.directory.phone(owner);
  const messages: proto.Message.IProtocolMessage[] = [
    { type: Type.APP_STATE_SYNC_KEY_SHARE, appStateSyncKeyShare: service.appState.keyShare() },
    { type: Type.HISTORY_SYNC_NOTIFICATION, historySyncNotification: await bootstrap(service) },
  ];
  const keys: string[] = [];
  for (const protocolMessage of messages) {
    const attrs = { id: newMessageId(), from: owner.jid, type: 'protocol', category: 'peer', t: seconds() };
    const sealed = await phone.encrypt(companion, { protocolMessage });
    service.queue(companion).add({ tag: 'message', attrs, content: encElements([sealed]) });
    keys.push(stanzaKey('message', attrs));
  }
  return keys;
}
