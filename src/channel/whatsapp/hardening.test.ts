import { createHmac, randomBytes } from 'node:crypto';
import {
  type BinaryNode,
  Curve,
  configureSuccessfulPairing,
  initAuthCreds,
  type KeyPair,
  proto,
  WA_ADV_ACCOUNT_SIG_PREFIX,
  WA_CERT_DETAILS,
} from '@whiskeysockets/baileys';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { hardenSignatures, silencePrivateKeys, withTrustedRoot } from './hardening.ts';

beforeAll(() => {
  hardenSignatures();
  hardenSignatures();
});

describe('a signature', () => {
  const pair = Curve.generateKeyPair();
  const message = Buffer.from('a message');
  const signature = Curve.sign(pair.private, message);

  it('is accepted when it is genuine', () => {
    expect(Curve.verify(pair.public, message, signature)).toBe(true);
  });

  it.each([
    ['64 random bytes', message, randomBytes(64), pair.public],
    ['64 zeros', message, Buffer.alloc(64), pair.public],
    ['made for another message', Buffer.from('another'), signature, pair.public],
    ['made by another key', message, signature, Curve.generateKeyPair().public],
    ['too short', message, signature.subarray(0, 63), pair.public],
    ['made for a key that is none', message, signature, Buffer.alloc(5)],
  ])('is refused when it is %s', (_, signed, candidate, key) => {
    expect(Curve.verify(key, signed, candidate)).toBe(false);
  });
});

describe('the account signature of a pairing', () => {
  /** What the server tells after the scan, signed by a phone with this key. */
  function pairSuccess(creds: ReturnType<typeof initAuthCreds>, phone: KeyPair, signer: KeyPair): BinaryNode {
    const details = proto.ADVDeviceIdentity.encode({ rawId: 1, timestamp: 1, keyIndex: 1 }).finish();
    const signed = Buffer.concat([WA_ADV_ACCOUNT_SIG_PREFIX, details, creds.signedIdentityKey.public]);
    const identity = proto.ADVSignedDeviceIdentity.encode({
      details,
      accountSignatureKey: phone.public,
      accountSignature: Curve.sign(signer.private, signed),
    }).finish();
    const hmac = createHmac('sha256', Buffer.from(creds.advSecretKey, 'base64')).update(identity).digest();
    const content = proto.ADVSignedDeviceIdentityHMAC.encode({ details: identity, hmac }).finish();
    const children: BinaryNode[] = [
      { tag: 'device-identity', attrs: {}, content },
      { tag: 'device', attrs: { jid: '491511:7@s.whatsapp.net', lid: '11:7@lid' } },
    ];
    return {
      tag: 'iq',
      attrs: { id: '1' },
      content: [{ tag: 'pair-success', attrs: {}, content: children }],
    };
  }

  it('is accepted from the phone whose key it names', () => {
    const creds = initAuthCreds();
    const phone = Curve.generateKeyPair();
    const { creds: update } = configureSuccessfulPairing(pairSuccess(creds, phone, phone), creds);
    expect(update.me?.id).toBe('491511:7@s.whatsapp.net');
  });

  it('is refused from any other key', () => {
    const creds = initAuthCreds();
    const node = pairSuccess(creds, Curve.generateKeyPair(), Curve.generateKeyPair());
    expect(() => configureSuccessfulPairing(node, creds)).toThrow('Failed to verify account signature');
  });
});

describe('a certificate chain', () => {
  const { Details } = proto.CertChain.NoiseCertificate;
  const root = Curve.generateKeyPair();
  const intermediate = Curve.generateKeyPair();
  const server = Curve.generateKeyPair();
  const leaf = Details.encode({ serial: 2, issuerSerial: 1, key: server.public }).finish();
  const middle = Details.encode({ serial: 1, issuerSerial: 0, key: intermediate.public }).finish();

  /** The handshake's steps in its order; the last one decides. */
  function accepted(usedKey: Uint8Array, trusted: Uint8Array | undefined): boolean {
    return withTrustedRoot(trusted, () => {
      Curve.sharedKey(Curve.generateKeyPair().private, usedKey);
      const leafValid = Curve.verify(intermediate.public, leaf, Curve.sign(intermediate.private, leaf));
      return leafValid && Curve.verify(WA_CERT_DETAILS.PUBLIC_KEY, middle, Curve.sign(root.private, middle));
    });
  }

  it('is accepted for the key that it certifies, from the trusted root', () => {
    expect(accepted(server.public, root.public)).toBe(true);
  });

  it('is refused when the server uses another key than the certified one: a copied chain', () => {
    expect(accepted(Curve.generateKeyPair().public, root.public)).toBe(false);
  });

  it('is refused when its root is not trusted here, though another connection trusts it', () => {
    withTrustedRoot(root.public, () => {
      expect(accepted(server.public, Curve.generateKeyPair().public)).toBe(false);
    });
    expect(accepted(server.public, undefined)).toBe(false);
  });
});

describe('libsignal’s print of private keys', () => {
  it('stays filtered when other code replaces the console in between', () => {
    const target = { info: vi.fn(), warn: vi.fn() };
    silencePrivateKeys(target);
    const later = vi.fn();
    target.info = later;
    silencePrivateKeys(target);
    target.info('Closing session:', { privKey: 'secret' });
    target.info('hello');
    expect(later.mock.calls).toEqual([['hello']]);
  });
});
