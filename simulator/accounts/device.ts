import {
  addTransactionCapability,
  Curve,
  DEFAULT_CONNECTION_CONFIG,
  encodeWAMessage,
  initAuthCreds,
  proto,
  unpadRandomMax16,
} from '@whiskeysockets/baileys';
import type { KeyBundle } from './key-bundle.ts';
import { withTypeByte } from './key-bundle.ts';
import { MemoryKeyStore } from './key-store.ts';
import type { Person } from './person.ts';
import { silentLogger } from './silent-logger.ts';

/** A ciphertext as it stands in an `<enc>` element. */
export interface Sealed {
  type: 'pkmsg' | 'msg' | 'skmsg';
  ciphertext: Uint8Array;
}

/** Somebody to whom a simulated device can write: where, and where its keys come from. */
export interface Correspondent {
  /** The LID of the device, with its number: Signal addresses are kept in this form only. */
  readonly lid: string;
  /** Hands out a bundle; each one-time pre-key once. */
  takeBundle(): KeyBundle;
}

/** A new Signal identity with nothing in its store. Its repository has timers: close it. */
export function makeSignal() {
  const creds = initAuthCreds();
  const logger = silentLogger();
  const store = new MemoryKeyStore();
  const keys = addTransactionCapability(store, logger, {
    maxCommitRetries: 1,
    delayBetweenTriesMs: 0,
  });
  // LID addresses need no look-up of the phone number.
  const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ creds, keys }, logger, async () => []);
  return { creds, keys, store, repository };
}

/** The phone of a person: one Signal identity with its sessions and sender keys. */
export class PhoneDevice {
  readonly owner: Person;
  readonly #signal = makeSignal();
  readonly #distributed = new Set<string>();
  #nextPreKeyId = 1;

  constructor(owner: Person) {
    this.owner = owner;
  }

  /** The account's key pair: it signs the identities of linked devices. */
  get identityKey(): { public: Uint8Array; private: Uint8Array } {
    return this.#signal.creds.signedIdentityKey;
  }

  /** A bundle with a fresh one-time pre-key, as the server hands it to those who want to write. */
  async bundle(): Promise<KeyBundle> {
    const { creds, keys } = this.#signal;
    const keyId = this.#nextPreKeyId++;
    const pair = Curve.generateKeyPair();
    await keys.set({ 'pre-key': { [keyId]: pair } });
    return {
      registrationId: creds.registrationId,
      identityKey: Buffer.from(creds.signedIdentityKey.public),
      signedPreKey: {
        keyId: creds.signedPreKey.keyId,
        publicKey: Buffer.from(creds.signedPreKey.keyPair.public),
        signature: Buffer.from(creds.signedPreKey.signature),
      },
      preKey: { keyId, publicKey: Buffer.from(pair.public) },
    };
  }

  /** Encrypts for one device: the first message of a session is a `pkmsg`, the later ones are `msg`. */
  async encrypt(to: Correspondent, message: proto.IMessage): Promise<Sealed> {
    const { repository } = this.#signal;
    const session = await repository.validateSession(to.lid);
    if (!session.exists) {
      const { registrationId, identityKey, signedPreKey, preKey } = to.takeBundle();
      const typed = { ...signedPreKey, publicKey: withTypeByte(signedPreKey.publicKey) };
      await repository.injectE2ESession({
        jid: to.lid,
        session: {
          registrationId,
          identityKey: withTypeByte(identityKey),
          signedPreKey: typed,
          ...(preKey && { preKey: { keyId: preKey.keyId, publicKey: withTypeByte(preKey.publicKey) } }),
        },
      });
    }
    return repository.encryptMessage({ jid: to.lid, data: encodeWAMessage(message) });
  }

  /** Decrypts what a linked device sent to this phone. Throws libsignal's error. */
  async decrypt(from: string, sealed: Sealed): Promise<proto.IMessage> {
    if (sealed.type === 'skmsg') throw new TypeError('A skmsg is decrypted with decryptGroup.');
    const { type, ciphertext } = sealed;
    const padded = await this.#signal.repository.decryptMessage({ jid: from, type, ciphertext });
    return proto.Message.decode(unpadRandomMax16(padded));
  }

  /**
   * Encrypts for a group: a `skmsg` and, for a device that has not got it yet, the sender key in a message of its
   * own. `as` is the JID under which the sender speaks in that group; each form has its own sender key.
   */
  async encryptGroup(
    group: string,
    as: string,
    to: Correspondent,
    message: proto.IMessage,
  ): Promise<Sealed[]> {
    const { ciphertext, senderKeyDistributionMessage } = await this.#signal.repository.encryptGroupMessage({
      group,
      meId: as,
      data: encodeWAMessage(message),
    });
    const known = `${group}/${as}/${to.lid}`;
    const sealed: Sealed[] = [];
    if (!this.#distributed.has(known)) {
      const distribution = {
        groupId: group,
        axolotlSenderKeyDistributionMessage: senderKeyDistributionMessage,
      };
      sealed.push(await this.encrypt(to, { senderKeyDistributionMessage: distribution }));
      this.#distributed.add(known);
    }
    sealed.push({ type: 'skmsg', ciphertext });
    return sealed;
  }

  /** Takes in the sender key that somebody handed out. */
  async learnSenderKey(from: string, item: proto.Message.ISenderKeyDistributionMessage): Promise<void> {
    await this.#signal.repository.processSenderKeyDistributionMessage({ authorJid: from, item });
  }

  /** Decrypts a `skmsg`. Throws when the sender key never arrived. */
  async decryptGroup(group: string, from: string, ciphertext: Uint8Array): Promise<proto.IMessage> {
    const padded = await this.#signal.repository.decryptGroupMessage({
      group,
      authorJid: from,
      msg: ciphertext,
    });
    return proto.Message.decode(unpadRandomMax16(padded));
  }

  /** Forgets the sessions with a device, which makes the next message to it a `pkmsg` again. */
  async forget(lid: string): Promise<void> {
    await this.#signal.repository.deleteSession([lid]);
    for (const known of this.#distributed) if (known.endsWith(`/${lid}`)) this.#distributed.delete(known);
  }

  /** Forgets all sessions and sender keys, as a phone does on which WhatsApp was installed anew. */
  loseSessions(): void {
    this.#signal.store.clear('session');
    this.#signal.store.clear('sender-key');
    this.#distributed.clear();
  }

  /** Lets go of caches and their timers. */
  close(): void {
    this.#signal.repository.close?.();
  }
}
