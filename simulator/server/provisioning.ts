import { proto } from '@whiskeysockets/baileys';
import type { Companion } from '../accounts/companion.ts';
import { seconds } from '../wire/nodes.ts';
import { stanzaKey } from './delivery-queue.ts';
import { historyParts } from './history.ts';
import { newMessageId } from './message-id.ts';
import { encElements } from './sealing.ts';
import type { Service } from './service.ts';

const { Type } = proto.Message.ProtocolMessage;

/**
 * What the phone sends to a device that was just linked: the key of the app state, then the
 * history (who is who, and old messages if there are some). Without it a client holds all events back for 20 seconds.
 *
 * @returns the keys of the stanzas in the device's queue.
 */
export async function provision(service: Service, companion: Companion): Promise<string[]> {
  const { owner } = companion;
  const phone = service.directory.phone(owner);
  const history = await historyParts(service, owner);
  const messages: proto.Message.IProtocolMessage[] = [
    { type: Type.APP_STATE_SYNC_KEY_SHARE, appStateSyncKeyShare: (await service.appState(owner)).keyShare() },
    ...history.map((part) => ({ type: Type.HISTORY_SYNC_NOTIFICATION, historySyncNotification: part })),
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
