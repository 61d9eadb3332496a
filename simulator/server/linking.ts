import {
  type AuthenticationCreds,
  type BinaryNode,
  configureSuccessfulPairing,
  encodeWAMessage,
  getNextPreKeys,
  proto,
  type SignalDataSet,
  unpadRandomMax16,
} from '@whiskeysockets/baileys';
import type { Companion } from '../accounts/companion.ts';
import { makeSignal, type PhoneDevice } from '../accounts/device.ts';
import { newMessageId } from './message-id.ts';
import { signDevice } from './pairing.ts';
import { PROPS_HASH } from './queries/settings.ts';
import type { Service } from './service.ts';

/** Each new correspondent takes one; at five a client makes more. */
const PRE_KEYS = 60;
const KEY_SHARE = proto.Message.ProtocolMessage.Type.APP_STATE_SYNC_KEY_SHARE;

/** What the client of a linked device keeps, in Baileys' own values. */
export interface LinkedCredentials {
  creds: AuthenticationCreds;
  /** By type and id. */
  keys: SignalDataSet;
}

type Signal = ReturnType<typeof makeSignal>;

/**
 * Makes a device that is signed as in every pairing, and what the first login leaves on both sides: pre-keys,
 * a session, the account's settings, who is who. Resolves with the device, not yet linked, and what its client
 * keeps.
 */
export async function linkWithoutClient(
  service: Service,
  phone: PhoneDevice,
  device: number,
): Promise<{ companion: Companion; linked: LinkedCredentials }> {
  const signal = makeSignal();
  const { creds, store, repository } = signal;
  try {
    const companion = await pair(signal, phone, device);
    await fillPreKeys(signal, companion);
    await takeSettings(service, signal, phone, companion);
    const names = service.directory.people.map(({ jid, lid }) => ({ pn: jid, lid }));
    await repository.lidMapping.storeLIDPNMappings(names);
    const history = { remoteJid: phone.owner.jid, fromMe: true, id: newMessageId() };
    creds.processedHistoryMessages = [{ key: history, messageTimestamp: Math.floor(Date.now() / 1000) }];
    // At 0 a client waits for the history.
    creds.accountSyncCounter = 1;
    creds.lastPropHash = PROPS_HASH;
    companion.provisioned = true;
    return { companion, linked: { creds, keys: store.all } };
  } finally {
    repository.close?.();
  }
}

/** Baileys' own code does the client's part. */
function pair({ creds }: Signal, phone: PhoneDevice, device: number): Promise<Companion> {
  const { noiseKey, registrationId, signedIdentityKey, signedPreKey, advSecretKey } = creds;
  const registration = {
    registrationId,
    identityKey: Buffer.from(signedIdentityKey.public),
    signedPreKey: {
      keyId: signedPreKey.keyId,
      publicKey: Buffer.from(signedPreKey.keyPair.public),
      signature: Buffer.from(signedPreKey.signature),
    },
  };
  const candidate = { noiseKey: Buffer.from(noiseKey.public), registration };
  const countersign = async (success: BinaryNode): Promise<BinaryNode> => {
    const { creds: update, reply } = configureSuccessfulPairing(success, creds);
    Object.assign(creds, update);
    return reply;
  };
  return signDevice(candidate, Buffer.from(advSecretKey, 'base64'), phone, device, countersign);
}

async function fillPreKeys({ creds, keys }: Signal, companion: Companion): Promise<void> {
  const { update, preKeys } = await getNextPreKeys({ creds, keys }, PRE_KEYS);
  Object.assign(creds, update);
  const upload = Object.entries(preKeys).map(([id, pair]) => ({
    keyId: Number(id),
    publicKey: Buffer.from(pair.public),
  }));
  companion.addPreKeys(upload);
}

/** The phone's first message makes the session and brings the key of the settings, which hold the name. */
async function takeSettings(
  service: Service,
  { creds, keys, repository }: Signal,
  phone: PhoneDevice,
  companion: Companion,
): Promise<void> {
  const { owner } = phone;
  const settings = await service.appState(owner);
  const share = { type: KEY_SHARE, appStateSyncKeyShare: settings.keyShare() };
  const { type, ciphertext } = await phone.encrypt(companion, { protocolMessage: share });
  if (type === 'skmsg') throw new TypeError('A phone sends no skmsg to its own device.');
  const padded = await repository.decryptMessage({ jid: owner.lid, type, ciphertext });
  const { protocolMessage } = proto.Message.decode(unpadRandomMax16(padded));
  for (const { keyId, keyData } of protocolMessage?.appStateSyncKeyShare?.keys ?? []) {
    const id = Buffer.from(keyId?.keyId ?? []).toString('base64');
    if (keyData) await keys.set({ 'app-state-sync-key': { [id]: keyData } });
    creds.myAppStateKeyId = id;
  }
  await keys.set({ 'app-state-sync-version': await settings.read() });
  if (creds.me) creds.me.name = owner.name;
  // A phone that was never answered goes on sending its keys along.
  const answer = await repository.encryptMessage({ jid: owner.lid, data: encodeWAMessage({}) });
  await phone.decrypt(companion.lid, answer);
}
