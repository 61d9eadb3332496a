import {
  jidDecode,
  jidEncode,
  type SignalDataTypeMap,
  type SignalKeyStore,
  type SocketConfig,
} from '@whiskeysockets/baileys';
import type { Identity, OwnerAddress } from './identity.ts';
import { bareUser, LID_SERVER } from './jid.ts';

/**
 * Which devices Baileys encrypts a message for. WhatsApp refuses a stanza that names a device twice or the sending one,
 * and rc14 does both: it lists the devices of the own chat once for each of its two sides, and in groups that go by LID
 * it does not recognize this device. Its list of devices cannot be replaced from outside, but what it does with the list
 * can: both functions take effect before anything is encrypted, so no ratchet moves for a message that is not sent.
 */

/**
 * A hook that leaves each device once among the recipients, whether it is named by number or by LID. Without it a
 * message is encrypted as often as its device is listed.
 */
export function oncePerDevice(identity: Pick<Identity, 'lid'>): SocketConfig['patchMessageBeforeSending'] {
  return (message, recipients) => {
    if (recipients === undefined) return message;
    const devices = new Map<string, string>();
    for (const jid of recipients) {
      const device = `${identity.lid(jid) ?? bareUser(jid)} ${jidDecode(jid)?.device ?? 0}`;
      if (!devices.has(device)) devices.set(device, jid);
    }
    if (devices.size === recipients.length) return message;
    // Baileys takes the message out of each entry, although its type has the fields of the message in the entry itself.
    return [...devices.values()].map((recipientJid) => ({ recipientJid, message }));
  };
}

/**
 * Keys by which this device has each group's sender key already. So Baileys neither makes a session with it nor encrypts
 * the key for it.
 */
export function withOwnSenderKey(keys: SignalKeyStore, me: () => OwnerAddress | undefined): SignalKeyStore {
  return {
    ...keys,
    async get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]) {
      const found = await keys.get(type, ids);
      const own = ownDevice(me());
      if (type !== 'sender-key-memory' || own === undefined) return found;
      for (const id of ids) found[id] = Object.assign({}, found[id], { [own]: true }) as SignalDataTypeMap[T];
      return found;
    },
  };
}

/** This device as groups that go by LID list it. By number Baileys recognizes it. */
function ownDevice(me: OwnerAddress | undefined): string | undefined {
  if (me?.lid === undefined) return undefined;
  return jidEncode(bareUser(me.lid), LID_SERVER, jidDecode(me.id)?.device);
}
