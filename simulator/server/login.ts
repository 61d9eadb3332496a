import { type proto, toNumber } from '@whiskeysockets/baileys';
import type { Companion, Registration } from '../accounts/companion.ts';
import { checkSignedPreKey } from '../accounts/key-bundle.ts';
import { SERVER, seconds, uint } from '../wire/nodes.ts';
import type { Introduction } from '../wire/noise.ts';
import { loginFailure, streamError } from './close-stanzas.ts';
import type { Connection } from './connection.ts';
import type { ServiceRules } from './rules.ts';
import type { Service } from './service.ts';

const NOT_LINKED = 401;
/** The code of a login whose version is too old. */
export const TOO_OLD = 405;

/** Whether the client's version is older than what the service accepts. */
export function isTooOld(payload: proto.IClientPayload, { oldestRevision }: ServiceRules): boolean {
  return (payload.userAgent?.appVersion?.tertiary ?? 0) < oldestRevision;
}

/**
 * The keys that a client brings when it wants to be linked; undefined when it wants to log in.
 * Throws BadPreKeySignature.
 */
export function readRegistration(payload: proto.ClientPayload): Registration | undefined {
  const data = payload.devicePairingData;
  if (!data) return undefined;
  const identityKey = Buffer.from(data.eIdent ?? []);
  const signedPreKey = {
    keyId: uint(data.eSkeyId ?? Buffer.alloc(0)),
    publicKey: Buffer.from(data.eSkeyVal ?? []),
    signature: Buffer.from(data.eSkeySig ?? []),
  };
  checkSignedPreKey(identityKey, signedPreKey);
  return { registrationId: uint(data.eRegid ?? Buffer.alloc(0)), identityKey, signedPreKey };
}

/** Finds the device that logs in: its number, its device number and its noise key must fit. */
function findDevice(service: Service, { payload, noiseKey }: Introduction): Companion | undefined {
  const device = payload.device ?? 0;
  const companion = service.directory.companion(`${toNumber(payload.username)}:${device}@s.whatsapp.net`);
  return companion?.noiseKey.equals(noiseKey) ? companion : undefined;
}

/**
 * Lets a linked device in, or answers with a failure: 401 for a device that is not linked. The older connection of
 * the same device is closed as replaced. Returns the device when it is in.
 */
export function login(service: Service, connection: Connection, intro: Introduction): Companion | undefined {
  const { faults, rules } = service;
  const refused = faults.takeLogin() ?? (isTooOld(intro.payload, rules) ? loginFailure(TOO_OLD) : undefined);
  const companion = findDevice(service, intro);
  if (refused !== undefined || !companion) {
    if (refused === undefined) {
      service.problem('refused', `connection ${connection.id} logs in as a device that is not linked`);
    }
    void connection.closeAfter(refused ?? loginFailure(NOT_LINKED));
    return undefined;
  }
  const queue = service.queue(companion);
  const older = queue.connection;
  queue.attach(connection);
  if (older) void older.closeAfter(streamError(440));
  connection.send({
    tag: 'success',
    attrs: {
      t: seconds(),
      lid: companion.lid,
      props: '1',
      location: 'sim',
      display_name: companion.owner.name,
    },
  });
  const { message, receipt, notification, call } = queue.preview();
  const counts = {
    count: queue.size.toString(),
    message: message.toString(),
    receipt: receipt.toString(),
    notification: notification.toString(),
    call: call.toString(),
  };
  connection.send({
    tag: 'ib',
    attrs: { from: SERVER },
    content: [{ tag: 'offline_preview', attrs: counts }],
  });
  return companion;
}
