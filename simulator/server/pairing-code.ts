import { randomBytes } from 'node:crypto';
import {
  aesDecryptCTR,
  aesDecryptGCM,
  aesEncryptCTR,
  type BinaryNode,
  Curve,
  derivePairingCodeKey,
  hkdf,
} from '@whiskeysockets/baileys';
import type { PhoneDevice } from '../accounts/device.ts';
import { bytes, child } from '../wire/nodes.ts';

const SALT_BYTES = 32;
const CTR_IV_BYTES = 16;
const GCM_IV_BYTES = 12;
const KEY_BYTES = 32;
const CODE_LENGTH = 8;

/** The code is not the one that a waiting client shows for this account. */
export class BadCode extends Error {
  constructor(reason: string) {
    super(
      `The phone does not accept the code: ${reason}. Ask for a new code and enter it while it is shown.`,
    );
    this.name = 'BadCode';
  }
}

/** Reads a code as somebody types it: case, blanks and dashes do not count. Throws BadCode. */
export function readCode(typed: string): string {
  const code = typed.replace(/[\s-]/g, '').toUpperCase();
  if (code.length !== CODE_LENGTH) throw new BadCode(`it has ${code.length} characters, not ${CODE_LENGTH}`);
  return code;
}

/** Hides a public key behind the code: salt, initial vector, ciphertext. */
async function wrap(code: string, publicKey: Uint8Array): Promise<Buffer> {
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(CTR_IV_BYTES);
  const key = await derivePairingCodeKey(code, salt);
  return Buffer.concat([salt, iv, aesEncryptCTR(publicKey, key, iv)]);
}

/** The reverse of `wrap`. A wrong code gives a wrong key, which only the client's last word brings to light. */
async function unwrap(code: string, wrapped: Buffer): Promise<Buffer> {
  const iv = wrapped.subarray(SALT_BYTES, SALT_BYTES + CTR_IV_BYTES);
  const key = await derivePairingCodeKey(code, wrapped.subarray(0, SALT_BYTES));
  return aesDecryptCTR(wrapped.subarray(SALT_BYTES + CTR_IV_BYTES), key, iv);
}

/**
 * The phone's part of linking by a code of eight characters: it sends a key of its own behind the code, and learns
 * from the client's answer whether both have the same code, and the secret that seals the device's identity.
 */
export class CodeExchange {
  readonly #phone: PhoneDevice;
  readonly #ephemeral = Curve.generateKeyPair();
  readonly #code: string;
  readonly #theirs: Buffer;

  private constructor(phone: PhoneDevice, code: string, theirs: Buffer) {
    this.#phone = phone;
    this.#code = code;
    this.#theirs = theirs;
  }

  /** `wrappedKey` is what the client sent with its request, 80 bytes. Rejects with BadCode. */
  static async begin(phone: PhoneDevice, code: string, wrappedKey: Buffer): Promise<CodeExchange> {
    if (wrappedKey.length !== SALT_BYTES + CTR_IV_BYTES + KEY_BYTES) {
      throw new BadCode('the client sent no usable key');
    }
    return new CodeExchange(phone, code, await unwrap(code, wrappedKey));
  }

  /** Writes what the phone says to the client; `ref` names the request. */
  async hello(ref: Buffer): Promise<BinaryNode> {
    return {
      tag: 'link_code_companion_reg',
      attrs: { stage: 'primary_hello' },
      content: [
        {
          tag: 'link_code_pairing_wrapped_primary_ephemeral_pub',
          attrs: {},
          content: await wrap(this.#code, this.#ephemeral.public),
        },
        { tag: 'primary_identity_pub', attrs: {}, content: this.#phone.identityKey.public },
        { tag: 'link_code_pairing_ref', attrs: {}, content: ref },
      ],
    };
  }

  /**
   * Opens the client's answer.
   *
   * @param identityKey the key with which the client introduced itself.
   * @returns the secret that both sides have now.
   * @throws BadCode when the client has another code, or other keys than it said.
   */
  secret(finish: BinaryNode, identityKey: Buffer): Buffer {
    const shared = Curve.sharedKey(this.#ephemeral.private, this.#theirs);
    const bundle = this.#openBundle(bytes(child(finish, 'link_code_pairing_wrapped_key_bundle')), shared);
    const own = Buffer.from(this.#phone.identityKey.public);
    const random = bundle.subarray(2 * KEY_BYTES);
    const fits =
      bundle.length === 3 * KEY_BYTES &&
      bundle.subarray(0, KEY_BYTES).equals(identityKey) &&
      bytes(child(finish, 'companion_identity_public')).equals(identityKey) &&
      bundle.subarray(KEY_BYTES, 2 * KEY_BYTES).equals(own);
    if (!fits) throw new BadCode('the client answered with other keys than those it introduced itself with');
    const identityShared = Curve.sharedKey(this.#phone.identityKey.private, identityKey);
    return Buffer.from(
      hkdf(Buffer.concat([shared, identityShared, random]), KEY_BYTES, { info: 'adv_secret' }),
    );
  }

  #openBundle(sealed: Buffer, shared: Uint8Array): Buffer {
    const key = hkdf(Buffer.from(shared), KEY_BYTES, {
      salt: sealed.subarray(0, SALT_BYTES),
      info: 'link_code_pairing_key_bundle_encryption_key',
    });
    const iv = sealed.subarray(SALT_BYTES, SALT_BYTES + GCM_IV_BYTES);
    try {
      return aesDecryptGCM(sealed.subarray(SALT_BYTES + GCM_IV_BYTES), key, iv, Buffer.alloc(0));
    } catch {
      throw new BadCode('the client shows another one');
    }
  }
}
