import { randomBytes } from 'node:crypto';
import {
  type AuthenticationCreds,
  aesEncryptCTR,
  type BinaryNode,
  buildAckStanza,
  bytesToCrockford,
  derivePairingCodeKey,
  getBinaryNodeChild,
  S_WHATSAPP_NET,
  type WASocket,
} from '@whiskeysockets/baileys';
import { type Clock, MINUTE, SECOND } from '../../clock.ts';
import type { Log } from '../../log.ts';
import { answerCodeOf, CodeExpiredError, CodeRefusedError, PasskeyRequiredError } from './errors.ts';

/** What a person who links an account is shown: a QR code to scan or a code to type, and until when it is valid. */
export interface LinkOffer {
  readonly qr?: string;
  readonly pairingCode?: string;
  /** Milliseconds since the epoch. */
  readonly validUntil: number;
}

export interface LinkingOptions {
  readonly socket: Pick<WASocket, 'ev' | 'ws' | 'sendNode' | 'query'>;
  readonly creds: AuthenticationCreds;
  readonly saveCreds: () => void;
  /** The account's phone number, digits only: a code to type is offered instead of QR codes. */
  readonly pairWith: string | undefined;
  /** How long each QR code is shown, in milliseconds; absent: as WhatsApp does. */
  readonly qrTimeoutMs: number | undefined;
  /** Whether a pairing code that has expired is followed by a new one. */
  readonly keepOffering: boolean;
  readonly onOffer: (offer: LinkOffer) => void;
  /** This connection cannot be used to link the account any more. */
  readonly onFailure: (error: Error) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long Baileys shows the first QR code of a connection and each later one. */
const FIRST_QR_MS = MINUTE;
const LATER_QR_MS = 20 * SECOND;
/** How many references the service gives a connection. */
const REFERENCES = 6;
const ANSWER_TIMEOUT_MS = 20 * SECOND;

/**
 * The service takes only names of the form `Browser (OS)` that it knows and answers anything else with 400 (Baileys PR
 * 2769, whatsmeow's PairPhone). The phone shows this name until the device is linked, then our own.
 */
const CODE_DISPLAY_NAME = 'Chrome (Windows)';
/** WhatsApp's number for Chrome. */
const CODE_PLATFORM = '1';

const ADV_SECRET_BYTES = 32;
/** The place of the adv secret in a QR code: reference, noise key, identity key, secret, platform. */
const SECRET_IN_QR = 3;

/**
 * How long Baileys shows each reference, in milliseconds; undefined: as it does by itself. A pairing code is valid
 * as long as all QR codes of a connection, and lasts while none of them changes.
 */
export function referenceTimeoutMs({
  pairWith,
  qrTimeoutMs,
}: Pick<LinkingOptions, 'pairWith' | 'qrTimeoutMs'>): number | undefined {
  if (pairWith === undefined) return qrTimeoutMs;
  return qrTimeoutMs === undefined ? FIRST_QR_MS + (REFERENCES - 1) * LATER_QR_MS : REFERENCES * qrTimeoutMs;
}

/**
 * Links one connection to an account, where Baileys 7.0.0-rc14 does not do what the service asks for since summer 2026.
 *
 * - `companion_reg_refresh`: the service retires the adv secret in the QR code, before or after the scan. A new one is
 *   made and saved, and the same reference is shown again with it (Baileys PR 2765). After the phone has answered a code,
 *   the secret is the one that both agreed on and stays.
 * - A code to type: requested as the web client does it, and shown only when the service has accepted the request.
 * - `passkey_prologue_request`: the step cannot be done here; the link fails with a clear reason.
 */
export class Linking {
  readonly #options: LinkingOptions;
  #qr: { readonly text: string; readonly validUntil: number } | undefined;
  #qrCount = 0;
  #isRequesting = false;
  /** The phone has answered the code that is shown: the two have agreed on the adv secret. */
  #agreed = false;
  /** The number of references when the phone answered: the link is given until the one after the next. */
  #agreedAt = 0;

  constructor(options: LinkingOptions) {
    this.#options = options;
    const { socket } = options;
    const on = (type: string, act: (node: BinaryNode) => Promise<void> | void): void => {
      // A listener that rejects is logged; see superviseListeners.
      socket.ws.on(`CB:notification,type:${type}`, act);
    };
    on('companion_reg_refresh', (node) => this.#refresh(node));
    on('passkey_prologue_request', (node) => this.#passkey(node));
    on('crsc_continuation', (node) => this.#passkey(node));
    on('link_code_companion_reg', (node) => this.#codeNotice(node));
    socket.ws.on('CB:iq,type:error', (node: BinaryNode) => this.#queryRefused(node));
  }

  /** Baileys shows the next reference of the connection. */
  onQr(text: string): void {
    const { pairWith, qrTimeoutMs, keepOffering, onFailure, clock } = this.#options;
    this.#qrCount += 1;
    if (pairWith !== undefined) {
      if (this.#agreed && this.#qrCount <= this.#agreedAt + 1) return;
      this.#agreed = false;
      // The service takes the request once it has offered references, and not before.
      if (this.#qrCount === 1 || keepOffering) void this.#requestCode(pairWith);
      else onFailure(new CodeExpiredError());
      return;
    }
    const lifeMs = qrTimeoutMs ?? (this.#qrCount === 1 ? FIRST_QR_MS : LATER_QR_MS);
    this.#qr = { text, validUntil: clock.now() + lifeMs };
    this.#showQr();
  }

  #showQr(): void {
    if (this.#qr === undefined) return;
    const parts = this.#qr.text.split(',');
    // Baileys keeps the secret that was valid when the references came.
    parts[SECRET_IN_QR] = this.#options.creds.advSecretKey;
    this.#options.onOffer({ qr: parts.join(','), validUntil: this.#qr.validUntil });
  }

  async #refresh(node: BinaryNode): Promise<void> {
    const { creds, saveCreds, log } = this.#options;
    if (!this.#agreed && creds.account === undefined) {
      creds.advSecretKey = randomBytes(ADV_SECRET_BYTES).toString('base64');
      saveCreds();
      log.info('WhatsApp retired what QR codes were made of; they are made of something new');
      this.#showQr();
    }
    await this.#acknowledge(node);
  }

  async #passkey(node: BinaryNode): Promise<void> {
    await this.#acknowledge(node);
    if (this.#options.creds.account === undefined) this.#options.onFailure(new PasskeyRequiredError());
  }

  /** Baileys itself answers the phone; it tells nobody when the service refuses that answer. */
  #codeNotice(node: BinaryNode): void {
    const { pairWith, creds } = this.#options;
    const stage = getBinaryNodeChild(node, 'link_code_companion_reg')?.attrs.stage;
    if (creds.account !== undefined || pairWith === undefined) return;
    if (stage === 'refresh_code') {
      void this.#requestCode(pairWith);
      return;
    }
    this.#agreed = true;
    this.#agreedAt = this.#qrCount;
  }

  /** What the phone was answered does not fit: as a rule another code was typed than is shown. */
  #queryRefused(node: BinaryNode): void {
    const { creds, pairWith, log } = this.#options;
    if (!this.#agreed || creds.account !== undefined || pairWith === undefined) return;
    log.warn(
      { code: getBinaryNodeChild(node, 'error')?.attrs.code },
      'WhatsApp refused the pairing code that was typed; perhaps it was mistyped. A new one follows',
    );
    this.#agreed = false;
    void this.#requestCode(pairWith);
  }

  async #requestCode(phone: string): Promise<void> {
    const { socket, creds, saveCreds, onOffer, onFailure, clock } = this.#options;
    // The phone has typed the last one, and the two are about to be done.
    if (this.#agreed || this.#isRequesting) return;
    this.#isRequesting = true;
    const validUntil = clock.now() + (referenceTimeoutMs(this.#options) ?? 0);
    try {
      const pairingCode = bytesToCrockford(randomBytes(5));
      await socket.query(await codeRequest(creds, phone, pairingCode), ANSWER_TIMEOUT_MS);
      // The one before was typed meanwhile.
      if (this.#agreed || creds.account !== undefined) return;
      // Baileys' answer to the phone reads both.
      creds.pairingCode = pairingCode;
      creds.me = { id: `${phone}@s.whatsapp.net`, name: '~' };
      saveCreds();
      onOffer({ pairingCode, validUntil });
    } catch (error) {
      onFailure(new CodeRefusedError(answerCodeOf(error), error));
    } finally {
      this.#isRequesting = false;
    }
  }

  /** As Baileys does for a device that is linked; before that it looks for an address of its own and fails. */
  async #acknowledge(node: BinaryNode): Promise<void> {
    await this.#options.socket.sendNode(buildAckStanza(node));
  }
}

/** The request for a code, as the web client and whatsmeow send it: the nonce is a zero byte, not the character. */
async function codeRequest(
  { pairingEphemeralKeyPair, noiseKey }: AuthenticationCreds,
  phone: string,
  pairingCode: string,
): Promise<BinaryNode> {
  const salt = randomBytes(32);
  const iv = randomBytes(16);
  const key = await derivePairingCodeKey(pairingCode, salt);
  const wrappedKey = Buffer.concat([salt, iv, aesEncryptCTR(pairingEphemeralKeyPair.public, key, iv)]);
  const part = (tag: string, content: Uint8Array | string): BinaryNode => ({ tag, attrs: {}, content });
  return {
    tag: 'iq',
    attrs: { to: S_WHATSAPP_NET, type: 'set', xmlns: 'md' },
    content: [
      {
        tag: 'link_code_companion_reg',
        attrs: {
          jid: `${phone}@s.whatsapp.net`,
          stage: 'companion_hello',
          should_show_push_notification: 'true',
        },
        content: [
          part('link_code_pairing_wrapped_companion_ephemeral_pub', wrappedKey),
          part('companion_server_auth_key_pub', noiseKey.public),
          part('companion_platform_id', CODE_PLATFORM),
          part('companion_platform_display', CODE_DISPLAY_NAME),
          part('link_code_pairing_nonce', Buffer.from([0])),
        ],
      },
    ],
  };
}
