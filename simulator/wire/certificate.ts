import type { KeyPair } from '@whiskeysockets/baileys';
import { Curve, proto, WA_CERT_DETAILS } from '@whiskeysockets/baileys';

const Details = proto.CertChain.NoiseCertificate.Details;
/** Any number but the root's serial, which clients expect in the intermediate certificate. */
const INTERMEDIATE_SERIAL = 1;
const YEAR_SECONDS = 365 * 24 * 60 * 60;

/** Which of the chain's two signatures is made with a foreign key, to prove that a client looks at it. */
export type BrokenSignature = 'leaf' | 'intermediate' | 'none';

/**
 * The server's proof of who it is: a root (known to the client), an intermediate certificate signed by the root,
 * and a leaf for the noise key, signed by the intermediate. `proto.CertChain` on the wire.
 */
export class CertificateAuthority {
  readonly #root: KeyPair = Curve.generateKeyPair();
  readonly #intermediate: KeyPair = Curve.generateKeyPair();
  readonly #stranger: KeyPair = Curve.generateKeyPair();
  readonly #chains = new Map<BrokenSignature, Uint8Array>();
  /** The server's static noise key, the leaf's subject. */
  readonly serverKey: KeyPair = Curve.generateKeyPair();

  /** The root's public key as hex, 64 characters: what a client must be given. */
  get rootKey(): string {
    return Buffer.from(this.#root.public).toString('hex');
  }

  /** The encoded chain; made once, since signing costs milliseconds and every connection gets it. */
  chain(broken: BrokenSignature = 'none'): Uint8Array {
    const made = this.#chains.get(broken) ?? this.#sign(broken);
    this.#chains.set(broken, made);
    return made;
  }

  #sign(broken: BrokenSignature): Uint8Array {
    const notBefore = Math.floor(Date.now() / 1000) - 60;
    const validity = { notBefore, notAfter: notBefore + YEAR_SECONDS };
    const intermediate = Details.encode({
      serial: INTERMEDIATE_SERIAL,
      issuerSerial: WA_CERT_DETAILS.SERIAL,
      key: this.#intermediate.public,
      ...validity,
    }).finish();
    const leaf = Details.encode({
      serial: INTERMEDIATE_SERIAL + 1,
      issuerSerial: INTERMEDIATE_SERIAL,
      key: this.serverKey.public,
      ...validity,
    }).finish();
    const rootSigner = broken === 'intermediate' ? this.#stranger : this.#root;
    const leafSigner = broken === 'leaf' ? this.#stranger : this.#intermediate;
    return proto.CertChain.encode({
      intermediate: { details: intermediate, signature: Curve.sign(rootSigner.private, intermediate) },
      leaf: { details: leaf, signature: Curve.sign(leafSigner.private, leaf) },
    }).finish();
  }
}
