import type { KeyPair } from '@whiskeysockets/baileys';
import {
  aesDecryptGCM,
  aesEncryptGCM,
  Curve,
  hkdf,
  NOISE_MODE,
  NOISE_WA_HEADER,
  proto,
  sha256,
} from '@whiskeysockets/baileys';

const NO_DATA = Buffer.alloc(0);

function nonce(counter: number): Buffer {
  const iv = Buffer.alloc(12);
  iv.writeUInt32BE(counter, 8);
  return iv;
}

/** The client's handshake message lacks a part or cannot be decrypted. */
class BadHandshake extends Error {
  constructor(reason: string) {
    super(`The noise handshake failed: ${reason}. The client must speak Noise_XX_25519_AESGCM_SHA256.`);
    this.name = 'BadHandshake';
  }
}

/** What the client said about itself in the last message of the handshake. */
export interface Introduction {
  /** The client's static noise key, 32 bytes: it is the device's password. */
  noiseKey: Buffer;
  payload: proto.ClientPayload;
}

/**
 * The server's side of Noise XX as WhatsApp uses it. States: waiting for the client's hello, then for its finish,
 * then transport, where `encrypt` and `decrypt` have one key and one counter for each direction.
 */
export class NoiseServer {
  readonly #staticKey: KeyPair;
  readonly #certificate: Uint8Array;
  readonly #ephemeral: KeyPair = Curve.generateKeyPair();
  #hash: Buffer = Buffer.from(NOISE_MODE);
  #salt: Buffer = this.#hash;
  #key: Buffer = this.#hash;
  #counter = 0;
  #sendKey: Buffer = NO_DATA;
  #receiveKey: Buffer = NO_DATA;
  #sent = 0;
  #received = 0;

  constructor(staticKey: KeyPair, certificate: Uint8Array) {
    this.#staticKey = staticKey;
    this.#certificate = certificate;
    this.#authenticate(NOISE_WA_HEADER);
  }

  /** Answers the client's hello with the server's hello. Throws BadHandshake. */
  hello(frame: Uint8Array): Uint8Array {
    const clientKey = proto.HandshakeMessage.decode(frame).clientHello?.ephemeral;
    if (clientKey?.length !== 32) throw new BadHandshake('the hello has no ephemeral key');
    this.#authenticate(clientKey);
    this.#authenticate(this.#ephemeral.public);
    this.#mix(Curve.sharedKey(this.#ephemeral.private, clientKey));
    const sealedStatic = this.#seal(this.#staticKey.public);
    this.#mix(Curve.sharedKey(this.#staticKey.private, clientKey));
    const payload = this.#seal(this.#certificate);
    return proto.HandshakeMessage.encode({
      serverHello: { ephemeral: this.#ephemeral.public, static: sealedStatic, payload },
    }).finish();
  }

  /** Reads the client's finish and goes over to transport. Throws BadHandshake. */
  finish(frame: Uint8Array): Introduction {
    const finish = proto.HandshakeMessage.decode(frame).clientFinish;
    if (!finish?.static || !finish.payload) throw new BadHandshake('the finish has no key or no payload');
    const noiseKey = this.#open(finish.static);
    this.#mix(Curve.sharedKey(this.#ephemeral.private, noiseKey));
    const payload = proto.ClientPayload.decode(this.#open(finish.payload));
    const [clientSends, serverSends] = this.#derive(NO_DATA);
    this.#receiveKey = clientSends;
    this.#sendKey = serverSends;
    return { noiseKey, payload };
  }

  /** Encrypts a transport message; the order of calls is the order on the wire. */
  encrypt(plaintext: Uint8Array): Buffer {
    return aesEncryptGCM(plaintext, this.#sendKey, nonce(this.#sent++), NO_DATA);
  }

  /** Decrypts a transport message. Throws Node's error when it is not authentic. */
  decrypt(ciphertext: Uint8Array): Buffer {
    return aesDecryptGCM(ciphertext, this.#receiveKey, nonce(this.#received++), NO_DATA);
  }

  #authenticate(data: Uint8Array): void {
    this.#hash = sha256(Buffer.concat([this.#hash, data]));
  }

  #derive(input: Uint8Array): [Buffer, Buffer] {
    const bytes = Buffer.from(hkdf(Buffer.from(input), 64, { salt: this.#salt, info: '' }));
    return [bytes.subarray(0, 32), bytes.subarray(32)];
  }

  #mix(input: Uint8Array): void {
    const [salt, key] = this.#derive(input);
    this.#salt = salt;
    this.#key = key;
    this.#counter = 0;
  }

  #seal(plaintext: Uint8Array): Buffer {
    const sealed = aesEncryptGCM(plaintext, this.#key, nonce(this.#counter++), this.#hash);
    this.#authenticate(sealed);
    return sealed;
  }

  #open(sealed: Uint8Array): Buffer {
    try {
      const plaintext = aesDecryptGCM(sealed, this.#key, nonce(this.#counter++), this.#hash);
      this.#authenticate(sealed);
      return plaintext;
    } catch (error) {
      throw new BadHandshake(error instanceof Error ? error.message : String(error));
    }
  }
}
