import { type BinaryNode, encodeBigEndian, KEY_BUNDLE_TYPE } from '@whiskeysockets/baileys';
import { bytes, child, children, uint } from '../wire/nodes.ts';
import { verifyXEdDSA } from '../wire/xeddsa.ts';

/** Digits of a key id on the wire. */
const KEY_ID_BYTES = 3;

/** One public key with its id; keys are 32 bytes. */
export interface PublicPreKey {
  keyId: number;
  publicKey: Buffer;
}

export interface PublicSignedPreKey extends PublicPreKey {
  signature: Buffer;
}

/** What somebody needs to open a Signal session with a device. */
export interface KeyBundle {
  registrationId: number;
  identityKey: Buffer;
  signedPreKey: PublicSignedPreKey;
  preKey?: PublicPreKey;
}

/** An uploaded signed pre-key is not signed by the device's identity key. */
class BadPreKeySignature extends Error {
  constructor(keyId: number) {
    super(
      `Signed pre-key ${keyId} is not signed by the device's identity key: sign byte 5 and the public key with it.`,
    );
    this.name = 'BadPreKeySignature';
  }
}

/** Puts Signal's type byte in front of a public key. */
export function withTypeByte(publicKey: Uint8Array): Buffer {
  return Buffer.concat([KEY_BUNDLE_TYPE, publicKey]);
}

/** Throws BadPreKeySignature unless the identity key signed the pre-key. */
export function checkSignedPreKey(identityKey: Uint8Array, key: PublicSignedPreKey): void {
  if (!verifyXEdDSA(identityKey, withTypeByte(key.publicKey), key.signature)) {
    throw new BadPreKeySignature(key.keyId);
  }
}

/** Reads `<key>`: id and value. */
function readPreKey(node: BinaryNode | undefined): PublicPreKey {
  return { keyId: uint(bytes(child(node, 'id'))), publicKey: bytes(child(node, 'value')) };
}

/** Reads `<skey>`: id, value and signature. */
export function readSignedPreKey(node: BinaryNode | undefined): PublicSignedPreKey {
  return { ...readPreKey(node), signature: bytes(child(node, 'signature')) };
}

/** Reads the one-time keys of an upload. */
export function readPreKeys(upload: BinaryNode): PublicPreKey[] {
  return children(child(upload, 'list'), 'key').map(readPreKey);
}

/** Reads the bundle that a device sends along when it asks for a message again; undefined when there is none. */
export function readRetryBundle(receipt: BinaryNode): KeyBundle | undefined {
  const keys = child(receipt, 'keys');
  if (!keys) return undefined;
  const preKey = child(keys, 'key');
  return {
    registrationId: uint(bytes(child(receipt, 'registration'))),
    identityKey: bytes(child(keys, 'identity')),
    signedPreKey: readSignedPreKey(child(keys, 'skey')),
    ...(preKey && { preKey: readPreKey(preKey) }),
  };
}

/** Writes the elements with which a device asks for a message again: its number and its keys. */
export function retryElements(bundle: KeyBundle): BinaryNode[] {
  const keys: BinaryNode[] = [
    { tag: 'type', attrs: {}, content: KEY_BUNDLE_TYPE },
    { tag: 'identity', attrs: {}, content: bundle.identityKey },
    signedPreKeyElement(bundle.signedPreKey),
  ];
  if (bundle.preKey) keys.push(keyElement('key', bundle.preKey));
  return [
    { tag: 'registration', attrs: {}, content: encodeBigEndian(bundle.registrationId) },
    { tag: 'keys', attrs: {}, content: keys },
  ];
}

function keyElement(tag: 'key' | 'skey', key: PublicPreKey, signature?: Buffer): BinaryNode {
  const content: BinaryNode[] = [
    { tag: 'id', attrs: {}, content: encodeBigEndian(key.keyId, KEY_ID_BYTES) },
    { tag: 'value', attrs: {}, content: key.publicKey },
  ];
  if (signature) content.push({ tag: 'signature', attrs: {}, content: signature });
  return { tag, attrs: {}, content };
}

/** Writes `<skey>`. */
export function signedPreKeyElement(key: PublicSignedPreKey): BinaryNode {
  return keyElement('skey', key, key.signature);
}

/** Writes `<user>` of the answer to a key query; the device identity is there for linked devices only. */
export function bundleElement(jid: string, bundle: KeyBundle, deviceIdentity?: Uint8Array): BinaryNode {
  const content: BinaryNode[] = [
    { tag: 'registration', attrs: {}, content: encodeBigEndian(bundle.registrationId) },
    { tag: 'type', attrs: {}, content: KEY_BUNDLE_TYPE },
    { tag: 'identity', attrs: {}, content: bundle.identityKey },
    signedPreKeyElement(bundle.signedPreKey),
  ];
  if (bundle.preKey) content.push(keyElement('key', bundle.preKey));
  if (deviceIdentity) content.push({ tag: 'device-identity', attrs: {}, content: deviceIdentity });
  return { tag: 'user', attrs: { jid }, content };
}
