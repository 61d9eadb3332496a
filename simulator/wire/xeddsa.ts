import { createPublicKey, verify } from 'node:crypto';

/** The prime of Curve25519's field, 2^255 - 19. */
const P = 2n ** 255n - 19n;
/** An Ed25519 public key in DER (RFC 8410) is this prefix and the 32 bytes of the key. */
const ED25519_SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let factor = base % P;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % P;
    factor = (factor * factor) % P;
  }
  return result;
}

function littleEndianToInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

function integerToLittleEndian(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
}

/**
 * Checks an XEdDSA signature (Signal's specification "The XEdDSA and VXEdDSA Signature Schemes") made with a
 * Curve25519 key. Written here because Baileys' `Curve.verify` says yes to every well-formed signature.
 *
 * @param publicKey 32 bytes, or 33 with Signal's type byte 5 in front.
 * @returns false for anything malformed, never an error.
 */
export function verifyXEdDSA(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = publicKey.length === 33 && publicKey[0] === 5 ? publicKey.subarray(1) : publicKey;
  if (key.length !== 32 || signature.length !== 64) return false;
  const u = littleEndianToInteger(key) & (2n ** 255n - 1n);
  const y = ((u - 1n + P) * power(u + 1n, P - 2n)) % P;
  const edwards = integerToLittleEndian(y);
  edwards[31]! |= signature[63]! & 0x80;
  const plain = Buffer.from(signature);
  plain[63]! &= 0x7f;
  const ed25519 = createPublicKey({
    key: Buffer.concat([ED25519_SPKI_PREFIX, edwards]),
    format: 'der',
    type: 'spki',
  });
  return verify(null, message, ed25519, plain);
}
