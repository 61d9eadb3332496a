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
import { addressOf, type Person } from '../accounts/person.ts';
import { bytes, child, failure, result, SERVER, seconds } from '../wire/nodes.ts';
import { verifyXEdDSA } from '../wire/xeddsa.ts';
import { type Connection, ConnectionLost } from './connection.ts';
import { BadCode, CodeExchange } from './pairing-code.ts';
import type { PairingQr } from './qr.ts';
import { type ServiceRules, takesDisplayName } from './rules.ts';

/** QR codes that one connection can show: the client shows the first for a minute, the others 20 seconds each. */
const REF_COUNT = 6;
const REF_BYTES = 16;
const KEY_BYTES = 32;
/** A client that has not acknowledged a retired secret by then never does. */
const ACKNOWLEDGE_MS = 2_000;
const BAD_REQUEST = 400;
const FORBIDDEN = 403;

/** The QR's keys are not those of the client that shows it. */
export class QrMismatch extends Error {
  constructor(what: string) {
    super(
      `The ${what} in the QR code is not that of the connection it belongs to: scan the client's current QR code.`,
    );
    this.name = 'QrMismatch';
  }
}

/** The phone shows "Couldn't link device", and the client is told nothing. */
export class CouldNotLink extends Error {
  constructor(reason: string) {
    super(`The phone could not link the device: ${reason}.`);
    this.name = 'CouldNotLink';
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

/** What a client that wants to be linked by a code sent. */
interface CodeRequest {
  /** The JID of the account that it wants to be linked to. */
  jid: string;
  wrappedKey: Buffer;
  ref: Buffer;
}

/**
 * A client that asks to be linked: its keys, the references that its QR codes carry, and its request for a code if it
 * made one. Everything ends with the connection.
 */
export class Pairing {
  readonly connection: Connection;
  /** Its version is too old, and it was not told so. */
  readonly isOld: boolean;
  #request: CodeRequest | undefined;
  #finish: { resolve(node: BinaryNode): void; reject(error: Error): void } | undefined;
  readonly #noiseKey: Buffer;
  readonly #registration: Registration;
  readonly #rules: Readonly<ServiceRules>;
  readonly #refs: string[];
  /** Settles when the client has its references, or is gone. */
  #shown: Promise<void> = Promise.resolve();
  /** Secrets of QR codes that were scanned and retired, in base64. */
  readonly #retired = new Set<string>();
  /** The notification of a retired secret that the client has not acknowledged. */
  #refresh: { readonly id: string; readonly acknowledged: Promise<void>; resolve(): void } | undefined;

  constructor(
    connection: Connection,
    noiseKey: Buffer,
    registration: Registration,
    rules: Readonly<ServiceRules>,
    isOld: boolean,
  ) {
    this.connection = connection;
    this.isOld = isOld;
    this.#noiseKey = noiseKey;
    this.#registration = registration;
    this.#rules = rules;
    this.#refs = Array.from({ length: REF_COUNT }, () => `2@${randomBytes(REF_BYTES).toString('base64')}`);
  }

  /** Gives the client its references. */
  offer(): void {
    if (this.#rules.secretRefresh === 'offered') this.#retireSecret();
    const content = this.#refs.map(
      (ref): BinaryNode => ({ tag: 'ref', attrs: {}, content: Buffer.from(ref) }),
    );
    const offer = this.connection.query({
      tag: 'iq',
      attrs: { from: SERVER, type: 'set', xmlns: 'md' },
      content: [{ tag: 'pair-device', attrs: {}, content }],
    });
    this.#shown = offer.then(
      () => {
        if (this.#rules.secretRefresh === 'shown') this.#retireSecret();
      },
      // The client may leave before it answers.
      () => undefined,
    );
  }

  has(ref: string): boolean {
    return this.#refs.includes(ref);
  }

  /** The client asked for a code for that account. */
  wants(account: Person): boolean {
    return this.#request?.jid === account.jid;
  }

  /** Answers what a client says that is not linked yet. Returns false when it is nothing of pairing. */
  handle(node: BinaryNode): boolean {
    // Baileys tells its presence as soon as it has a name, which it has when it asked for a code.
    if (node.tag === 'presence') return true;
    if (node.tag === 'ack') {
      if (node.attrs.id === this.#refresh?.id) this.#refresh?.resolve();
      return true;
    }
    if (node.tag === 'iq' && node.attrs.type === 'result') return true;
    if (node.tag !== 'iq') return false;
    if (node.attrs.xmlns === 'w:p') {
      this.connection.send(result(node));
      return true;
    }
    const step = child(node, 'link_code_companion_reg');
    if (step?.attrs.stage === 'companion_hello') this.#ask(node, step);
    else if (step?.attrs.stage === 'companion_finish' && this.#finish) this.#finish.resolve(node);
    else if (step) this.connection.send(failure(node, BAD_REQUEST, 'bad-request'));
    return step !== undefined;
  }

  /** The connection is gone, and with it the code. */
  end(): void {
    this.#finish?.reject(new ConnectionLost(this.connection.id));
  }

  /**
   * The phone scanned this client's QR code. Resolves with the secret in it. Rejects with QrMismatch, or with CouldNotLink
   * when the secret is retired or the client does not acknowledge that.
   */
  async secretOf(qr: PairingQr): Promise<Buffer> {
    if (!qr.noiseKey.equals(this.#noiseKey)) throw new QrMismatch('noise key');
    if (!qr.identityKey.equals(this.#registration.identityKey)) throw new QrMismatch('identity key');
    if (qr.advSecret.length !== KEY_BYTES) throw new QrMismatch('secret');
    const secret = qr.advSecret.toString('base64');
    if (this.#rules.secretRefresh === 'scanned' && this.#refresh === undefined) {
      this.#retired.add(secret);
      this.#retireSecret();
    }
    await this.#secretAcknowledged();
    if (this.#retired.has(secret)) throw new CouldNotLink('the secret in the QR code is retired');
    return qr.advSecret;
  }

  /** Rejects with CouldNotLink when the client was told of a retired secret and says nothing to it. */
  async #secretAcknowledged(): Promise<void> {
    await this.#shown;
    if (this.#refresh === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const error = new CouldNotLink('the client does not acknowledge that its secret is retired');
      timer = setTimeout(() => reject(error), ACKNOWLEDGE_MS);
    });
    await Promise.race([this.#refresh.acknowledged, late]).finally(() => clearTimeout(timer));
  }

  #retireSecret(): void {
    let resolve = (): void => undefined;
    const acknowledged = new Promise<void>((done) => {
      resolve = done;
    });
    const id = randomBytes(REF_BYTES).toString('hex');
    this.#refresh = { id, acknowledged, resolve };
    const attrs = { from: SERVER, type: 'companion_reg_refresh', id, t: seconds() };
    const content: BinaryNode[] = [{ tag: this.#rules.refreshChild, attrs: {} }];
    this.connection.send({ tag: 'notification', attrs, content });
  }

  /** The account must confirm the link with a passkey: the client is asked for it, and the phone waits in vain. */
  requestPasskey(): never {
    const attrs = {
      from: SERVER,
      type: 'passkey_prologue_request',
      id: randomBytes(REF_BYTES).toString('hex'),
      t: seconds(),
    };
    const content: BinaryNode[] = [
      { tag: 'passkey_request_options', attrs: {}, content: Buffer.from('{"challenge":"AAAA"}') },
    ];
    this.connection.send({ tag: 'notification', attrs, content });
    throw new CouldNotLink('it waits for a passkey on the other device');
  }

  /**
   * Somebody entered this code on the phone. Resolves with the secret that client and phone agreed on. Rejects with
   * BadCode, after which the right code may still be entered, or with ConnectionLost.
   */
  async agree(code: string, phone: PhoneDevice): Promise<Buffer> {
    const request = this.#request;
    if (!request || this.#finish) throw new BadCode('no client waits for one');
    const exchange = await CodeExchange.begin(phone, code, request.wrappedKey);
    const hello = await exchange.hello(request.ref);
    const finish = await this.#say(hello).finally(() => {
      this.#finish = undefined;
    });
    try {
      const step = child(finish, 'link_code_companion_reg') ?? finish;
      const secret = exchange.secret(step, this.#registration.identityKey);
      this.connection.send(result(finish));
      return secret;
    } catch (error) {
      this.connection.send(failure(finish, FORBIDDEN, 'forbidden'));
      throw error;
    }
  }

  /**
   * The client countersigns what the phone signed. Resolves with the new device, not yet linked. Rejects with
   * BadDeviceSignature or ConnectionLost. `forge` signs with a foreign key instead of the account's.
   */
  complete(secret: Buffer, phone: PhoneDevice, device: number, forge = false): Promise<Companion> {
    const candidate = { noiseKey: this.#noiseKey, registration: this.#registration };
    return signDevice(candidate, secret, phone, device, (success) => this.connection.query(success), forge);
  }

  #ask(query: BinaryNode, step: BinaryNode): void {
    const name = bytes(child(step, 'companion_platform_display')).toString();
    if (!takesDisplayName(this.#rules, name)) {
      this.connection.send(failure(query, BAD_REQUEST, 'bad-request'));
      return;
    }
    const ref = randomBytes(REF_BYTES);
    this.#request = {
      jid: step.attrs.jid ?? '',
      wrappedKey: bytes(child(step, 'link_code_pairing_wrapped_companion_ephemeral_pub')),
      ref,
    };
    const content: BinaryNode[] = [{ tag: 'link_code_pairing_ref', attrs: {}, content: ref }];
    const attrs = { stage: 'companion_hello' };
    this.connection.send(result(query, [{ tag: 'link_code_companion_reg', attrs, content }]));
  }

  #say(hello: BinaryNode): Promise<BinaryNode> {
    return new Promise((resolve, reject) => {
      if (!this.connection.open) {
        reject(new ConnectionLost(this.connection.id));
        return;
      }
      this.#finish = { resolve, reject };
      const attrs = {
        from: SERVER,
        type: 'link_code_companion_reg',
        id: randomBytes(REF_BYTES).toString('hex'),
        t: seconds(),
      };
      this.connection.send({ tag: 'notification', attrs, content: [hello] });
    });
  }
}

/** A device that is to be linked: its static noise key, and what it says about itself. */
interface Candidate {
  noiseKey: Buffer;
  registration: Registration;
}

/**
 * The phone signs the device's identity and seals it with the secret that both know; the device countersigns.
 * Resolves with the new device, not yet linked.
 * @param ask hands "pair-success" to the device, resolves with its answer and rejects when there is none
 * @param forge signs with a foreign key instead of the account's
 * @throws BadDeviceSignature
 */
export async function signDevice(
  { noiseKey, registration }: Candidate,
  secret: Buffer,
  phone: PhoneDevice,
  device: number,
  ask: (success: BinaryNode) => Promise<BinaryNode>,
  forge = false,
): Promise<Companion> {
  const { identityKey } = registration;
  const account = accountIdentity(identityKey, phone, device, forge);
  const signed = proto.ADVSignedDeviceIdentity.encode(account).finish();
  const accountType = proto.ADVEncryptionType.E2EE;
  const answer = await ask(
    pairSuccess(phone, device, { details: signed, hmac: hmacSign(signed, secret), accountType }),
  );
  const deviceSignature = checkedSignature(answer, identityKey, account);
  const identity = proto.ADVSignedDeviceIdentity.encode({ ...account, deviceSignature }).finish();
  return new Companion(phone.owner, device, noiseKey, registration, identity);
}

function accountIdentity(
  identityKey: Buffer,
  phone: PhoneDevice,
  device: number,
  forge: boolean,
): Required<Omit<proto.IADVSignedDeviceIdentity, 'deviceSignature'>> {
  const details = proto.ADVDeviceIdentity.encode({
    rawId: 1,
    timestamp: Math.floor(Date.now() / 1000),
    keyIndex: device,
    accountType: proto.ADVEncryptionType.E2EE,
    deviceType: proto.ADVEncryptionType.E2EE,
  }).finish();
  const accountKey = (forge ? Curve.generateKeyPair() : phone.identityKey).private;
  const message = Buffer.concat([WA_ADV_ACCOUNT_SIG_PREFIX, details, identityKey]);
  const accountSignature = Curve.sign(accountKey, message);
  return { details, accountSignatureKey: phone.identityKey.public, accountSignature };
}

function pairSuccess(
  phone: PhoneDevice,
  device: number,
  identity: proto.IADVSignedDeviceIdentityHMAC,
): BinaryNode {
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

function checkedSignature(
  answer: BinaryNode,
  identityKey: Buffer,
  account: proto.IADVSignedDeviceIdentity,
): Uint8Array {
  const details = account.details ?? Buffer.alloc(0);
  const identity = child(child(answer, 'pair-device-sign'), 'device-identity');
  const signed = proto.ADVSignedDeviceIdentity.decode(bytes(identity));
  if (!Buffer.from(signed.details ?? []).equals(details)) throw new BadDeviceSignature('identity');
  if (!Buffer.from(signed.accountSignature ?? []).equals(account.accountSignature ?? Buffer.alloc(0))) {
    throw new BadDeviceSignature('account signature');
  }
  const message = Buffer.concat([
    WA_ADV_DEVICE_SIG_PREFIX,
    details,
    identityKey,
    account.accountSignatureKey ?? Buffer.alloc(0),
  ]);
  const deviceSignature = signed.deviceSignature ?? Buffer.alloc(0);
  if (!verifyXEdDSA(identityKey, message, deviceSignature)) throw new BadDeviceSignature('device signature');
  return deviceSignature;
}
