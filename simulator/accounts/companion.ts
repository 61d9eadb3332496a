import type { KeyBundle, PublicPreKey, PublicSignedPreKey } from './key-bundle.ts';
import { checkSignedPreKey } from './key-bundle.ts';
import { addressOf, type Person } from './person.ts';

/** What a linked device says about itself when it asks to be paired. */
export interface Registration {
  registrationId: number;
  identityKey: Buffer;
  signedPreKey: PublicSignedPreKey;
}

/** A linked device (WhatsApp Web, Baileys) of somebody as the server keeps it. */
export class Companion {
  readonly owner: Person;
  /** The device number, 1 and up; the phone is 0. */
  readonly device: number;
  /** The static noise key: a login with another one is refused. */
  readonly noiseKey: Buffer;
  readonly registration: Registration;
  /** The encoded `ADVSignedDeviceIdentity`, which proves to others that this device belongs to the account. */
  readonly identity: Uint8Array;
  /** The phone has sent the first keys and history. */
  provisioned = false;
  readonly #preKeys = new Map<number, PublicPreKey>();

  constructor(
    owner: Person,
    device: number,
    noiseKey: Buffer,
    registration: Registration,
    identity: Uint8Array,
  ) {
    this.owner = owner;
    this.device = device;
    this.noiseKey = noiseKey;
    this.registration = registration;
    this.identity = identity;
  }

  get jid(): string {
    return addressOf(this.owner, 'pn', this.device);
  }

  get lid(): string {
    return addressOf(this.owner, 'lid', this.device);
  }

  /** Names the device's place in the signed list of devices; never 0, which clients skip. */
  get keyIndex(): number {
    return this.device;
  }

  /** One-time pre-keys left. */
  get preKeyCount(): number {
    return this.#preKeys.size;
  }

  get preKeyIds(): number[] {
    return [...this.#preKeys.keys()];
  }

  /** Stores an upload. */
  addPreKeys(keys: readonly PublicPreKey[]): void {
    for (const key of keys) this.#preKeys.set(key.keyId, key);
  }

  /** Replaces the signed pre-key. Throws BadPreKeySignature. */
  rotate(key: PublicSignedPreKey): void {
    checkSignedPreKey(this.registration.identityKey, key);
    this.registration.signedPreKey = key;
  }

  /** Hands out a bundle and, while there are some, one of the one-time keys for good. */
  takeBundle(): KeyBundle {
    const { registrationId, identityKey, signedPreKey } = this.registration;
    const bundle = { registrationId, identityKey, signedPreKey };
    const first = this.#preKeys.values().next();
    if (first.done) return bundle;
    this.#preKeys.delete(first.value.keyId);
    return { ...bundle, preKey: first.value };
  }
}
