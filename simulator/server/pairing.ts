import { randomBytes } from 'node:crypto';
import {
  type BinaryNode,
  Curve,
  hmacSign,
  proto,
  WA_ADV_ACCOUNT_SIG_PREFIX,
  WA_ADV_DEVICE_SIG_PREFIX,
} from '@whiskeysockets/baileys';
import { Companion, type Registration } from '../accounts/companion.ts';
import type { PhoneDevice } from '../accounts/device.ts';
import { addressOf } from '../accounts/person.ts';
import { bytes, child, SERVER, seconds } from '../wire/nodes.ts';
import { verifyXEdDSA } from '../wire/xeddsa.ts';
import type { Connection } from './connection.ts';
import { readQr } from './qr.ts';

/** QR codes that one connection can show: the client shows the first for a minute, the others 20 seconds each. */
const REF_COUNT = 6;
const REF_BYTES = 16;
const KEY_BYTES = 32;

/** The QR's keys are not those of the client that shows it. */
export class QrMismatch extends Error {
  constructor(what: string) {
    super(
      `The ${what} in the QR code is not that of the connection it belongs to: scan the client's current QR code.`,
    );
    this.name = 'QrMismatch';
  }
}

/** The client's last word of the pairing is not signed as it must be. */
export class BadDeviceSignature extends Error {
  constructor(what: string) {
    super(
      `The client answered pair-success with a wrong ${what}: it must send back the signed identity that it got, with its own signature.`,
    );
    this.name = 'BadDeviceSignature';
  }
}

/** A client that asks to be linked: its keys, and the references that its QR codes carry. */
export class Pairing {
  readonly connection: Connection;
  readonly #noiseKey: Buffer;
  readonly #registration: Registration;
  readonly #refs: string[];

  constructor(connection: Connection, noiseKey: Buffer, registration: Registration) {
    this.connection = connection;
    this.#noiseKey = noiseKey;
    this.#registration = registration;
    this.#refs = Array.from({ length: REF_COUNT }, () => `2@${randomBytes(REF_BYTES).toString('base64')}`);
  }

  /** Gives the client its references. */
  offer(): void {
    const content = this.#refs.map(
      (ref): BinaryNode => ({ tag: 'ref', attrs: {}, content: Buffer.from(ref) }),
    );
    const offer = this.connection.query({
      tag: 'iq',
      attrs: { from: SERVER, type: 'set', xmlns: 'md' },
      content: [{ tag: 'pair-device', attrs: {}, content }],
    });
    // The client may leave before it answers; nothing waits for that answer.
    offer.catch(() => undefined);
  }

  has(ref: string): boolean {
    return this.#refs.includes(ref);
  }

  /**
   * The owner's phone scans this client's QR code: it signs the device's identity, the client countersigns.
   * Resolves with the new device, not yet linked. Rejects with QrMismatch, BadDeviceSignature or ConnectionLost.
   * `forge` signs with a foreign key instead of the account's.
   */
  async complete(text: string, phone: PhoneDevice, device: number, forge = false): Promise<Companion> {
    const qr = readQr(text);
    if (!qr.noiseKey.equals(this.#noiseKey)) throw new QrMismatch('noise key');
    if (!qr.identityKey.equals(this.#registration.identityKey)) throw new QrMismatch('identity key');
    if (qr.advSecret.length !== KEY_BYTES) throw new QrMismatch('secret');
    const { details, account } = this.#sign(phone, device, forge);
    const signed = proto.ADVSignedDeviceIdentity.encode(account).finish();
    const answer = await this.connection.query(
      this.#success(phone, device, {
        details: signed,
        hmac: hmacSign(signed, qr.advSecret),
        accountType: proto.ADVEncryptionType.E2EE,
      }),
    );
    const deviceSignature = this.#check(answer, details, account);
    const identity = proto.ADVSignedDeviceIdentity.encode({ ...account, deviceSignature }).finish();
    return new Companion(phone.owner, device, this.#noiseKey, this.#registration, identity);
  }

  #sign(
    phone: PhoneDevice,
    device: number,
    forge: boolean,
  ): { details: Uint8Array; account: proto.IADVSignedDeviceIdentity } {
    const details = proto.ADVDeviceIdentity.encode({
      rawId: 1,
      timestamp: Math.floor(Date.now() / 1000),
      keyIndex: device,
      accountType: proto.ADVEncryptionType.E2EE,
      deviceType: proto.ADVEncryptionType.E2EE,
    }).finish();
    const accountSignatureKey = phone.identityKey.public;
    const accountKey = (forge ? Curve.generateKeyPair() : phone.identityKey).private;
    const message = Buffer.concat([WA_ADV_ACCOUNT_SIG_PREFIX, details, this.#registration.identityKey]);
    const accountSignature = Curve.sign(accountKey, message);
    return { details, account: { details, accountSignatureKey, accountSignature } };
  }

  #success(phone: PhoneDevice, device: number, identity: proto.IADVSignedDeviceIdentityHMAC): BinaryNode {
    const jid = addressOf(phone.owner, 'pn', device);
    const lid = addressOf(phone.owner, 'lid', device);
    return {
      tag: 'iq',
      attrs: { from: SERVER, type: 'set', t: seconds() },
      content: [
        {
          tag: 'pair-success',
          attrs: {},
          content: [
            {
              tag: 'device-identity',
              attrs: {},
              content: proto.ADVSignedDeviceIdentityHMAC.encode(identity).finish(),
            },
            { tag: 'device', attrs: { jid, lid } },
            { tag: 'platform', attrs: { name: 'android' } },
          ],
        },
      ],
    };
  }

  #check(answer: BinaryNode, details: Uint8Array, account: proto.IADVSignedDeviceIdentity): Uint8Array {
    const identity = child(child(answer, 'pair-device-sign'), 'device-identity');
    const signed = proto.ADVSignedDeviceIdentity.decode(bytes(identity));
    if (!Buffer.from(signed.details ?? []).equals(details)) throw new BadDeviceSignature('identity');
    if (!Buffer.from(signed.accountSignature ?? []).equals(account.accountSignature ?? Buffer.alloc(0))) {
      throw new BadDeviceSignature('account signature');
    }
    const { identityKey } = this.#registration;
    const message = Buffer.concat([
      WA_ADV_DEVICE_SIG_PREFIX,
      details,
      identityKey,
      account.accountSignatureKey ?? Buffer.alloc(0),
    ]);
    const deviceSignature = signed.deviceSignature ?? Buffer.alloc(0);
    if (!verifyXEdDSA(identityKey, message, deviceSignature))
      throw new BadDeviceSignature('device signature');
    return deviceSignature;
  }
}
