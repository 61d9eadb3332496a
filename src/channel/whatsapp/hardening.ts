import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { Curve, generateSignalPubKey, proto, WA_CERT_DETAILS } from '@whiskeysockets/baileys';

const HARDENED = Symbol.for('nanoclaw.whatsapp.hardened');

/** The root that the connection being made trusts instead of WhatsApp's own. */
interface Trust {
  roots: AsyncLocalStorage<Uint8Array>;
}

/** libsignal's check, found where Baileys finds it: it is no dependency of ours by name and has no types. */
type VerifySignature = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

function libsignalVerify(): VerifySignature {
  const fromHere = createRequire(import.meta.url);
  const fromBaileys = createRequire(fromHere.resolve('@whiskeysockets/baileys'));
  const curve: { verifySignature: VerifySignature } = fromBaileys('libsignal/src/curve.js');
  return curve.verifySignature;
}

/**
 * Makes Baileys 7.0.0-rc14 check signatures, in the whole process; calling it again changes nothing.
 *
 * Its own `Curve.verify` takes every 64-byte signature for genuine, because libsignal's check returns false and does
 * not throw. That opens the server's certificate chain (`noise-handler.js`) and the account signature of a pairing
 * (`validate-connection.js`); both call through the exported `Curve`, so replacing its member cures both.
 *
 * Nor does it compare the certified key with the one that the handshake used, without which anybody may present
 * WhatsApp's genuine chain. The handshake agrees with the server's static key, then checks the leaf, then the
 * intermediate, all in one synchronous step: the key and the leaf are remembered until the root is asked about.
 */
export function hardenSignatures(): void {
  trustOf();
}

/**
 * Runs `connect` so that connections it opens trust `root` (32 bytes) instead of WhatsApp's root key, and no others do:
 * the root travels in the asynchronous context of the connection, and a lost context falls back to WhatsApp's own.
 */
export function withTrustedRoot<T>(root: Uint8Array | undefined, connect: () => T): T {
  const { roots } = trustOf();
  return root === undefined ? connect() : roots.run(root, connect);
}

function trustOf(): Trust {
  const curve: typeof Curve & { [HARDENED]?: Trust } = Curve;
  const present = curve[HARDENED];
  if (present !== undefined) return present;

  const trust: Trust = { roots: new AsyncLocalStorage<Uint8Array>() };
  const verifySignature = libsignalVerify();
  const agree = Curve.sharedKey;
  let agreedKey: Uint8Array = Buffer.alloc(0);
  let checkedMessage: Uint8Array = Buffer.alloc(0);

  const genuine = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
    try {
      return verifySignature(Buffer.from(generateSignalPubKey(key)), message, signature) === true;
    } catch {
      // Malformed keys and signatures of a wrong length throw: they are no signatures.
      return false;
    }
  };

  Curve.sharedKey = (privateKey, publicKey) => {
    agreedKey = publicKey;
    return agree(privateKey, publicKey);
  };
  Curve.verify = (key, message, signature) => {
    if (key !== WA_CERT_DETAILS.PUBLIC_KEY) {
      checkedMessage = message;
      return genuine(key, message, signature);
    }
    return genuine(trust.roots.getStore() ?? key, message, signature) && certifies(checkedMessage, agreedKey);
  };
  curve[HARDENED] = trust;
  return trust;
}

/** Whether these details of a leaf certificate are about this key. */
function certifies(leafDetails: Uint8Array, key: Uint8Array): boolean {
  try {
    const certified = proto.CertChain.NoiseCertificate.Details.decode(leafDetails).key;
    return certified?.length === key.length && Buffer.compare(certified, key) === 0;
  } catch {
    // Not a certificate at all.
    return false;
  }
}

/** What libsignal prints together with a whole session record, private ratchet keys included. */
const LINES_WITH_KEYS: ReadonlySet<unknown> = new Set([
  'Closing session:',
  'Opening session:',
  'Removing old closed session:',
  'Session already closed',
]);

type Print = Console['info'] & { [HARDENED]?: true };

/**
 * Keeps libsignal from printing private keys through `console.info` and `console.warn`. Every other line passes
 * unchanged. Calling it again changes nothing.
 */
export function silencePrivateKeys(target: Pick<Console, 'info' | 'warn'> = console): void {
  for (const method of ['info', 'warn'] as const) {
    const print: Print = target[method];
    // The mark is on the function: whoever replaces the method in between gets it silenced anew.
    if (print[HARDENED]) continue;
    const silent: Print = (...line: unknown[]): void => {
      if (!LINES_WITH_KEYS.has(line[0])) print.apply(target, line);
    };
    silent[HARDENED] = true;
    target[method] = silent;
  }
}
