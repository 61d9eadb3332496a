import { randomBytes } from 'node:crypto';
import type { Channel, FetchOutcome, LineState, Outgoing, SendOutcome } from '../channel.ts';
import { CredentialsStore } from './credentials-store.ts';
import { LineAwayError, textOf } from './errors.ts';
import { silencePrivateKeys } from './hardening.ts';
import { LinkedDevice } from './linked-device.ts';
import { fetchMedia } from './media-fetch.ts';
import { reupload } from './media-reupload.ts';
import type { WhatsAppOptions } from './options.ts';
import { newWireId } from './wire-id.ts';

export type { WhatsAppOptions } from './options.ts';

const IDLE: LineState = { status: 'connecting', reason: 'not started' };

/** WhatsApp as a channel: a linked device of the owner's phone, by Baileys. */
export class WhatsAppChannel implements Channel {
  readonly #options: WhatsAppOptions;
  #device: LinkedDevice | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: WhatsAppOptions) {
    this.#options = { ...options, log: options.log.child({ room: 'whatsapp' }) };
  }

  get state(): LineState {
    return this.#device?.connection.state ?? IDLE;
  }

  /**
   * A line that has stopped by itself is begun anew by `stop` and `start`.
   * @throws {CredentialsDatabaseError} the database of the credentials is damaged or not accessible
   * @throws {CredentialsUnreadableError} the account does not parse; nothing was changed
   */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#device !== undefined) return;
      silencePrivateKeys();
      this.#device = new LinkedDevice(this.#options, CredentialsStore.open(this.#options.databaseFile));
      await this.#device.start();
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#device?.end();
      this.#device = undefined;
    });
  }

  newWireId(): string {
    return newWireId(randomBytes);
  }

  async send(chatJid: string, message: Outgoing, wireId: string): Promise<SendOutcome> {
    const device = this.#device;
    const live = device?.connection.open;
    if (device === undefined || live === undefined)
      return { kind: 'not_sent', reason: 'the line is not open' };
    const outcome = await device.outbound.send(live.socket, live.gone, chatJid, message, wireId);
    if (outcome.kind === 'refused' && outcome.restricted) device.restrictions.refused(outcome.reason);
    return outcome;
  }

  async setTyping(chatJid: string, typing: boolean): Promise<void> {
    const device = this.#device;
    const live = device?.connection.open;
    // Without a name the server has no presence of this device to show.
    if (device === undefined || live === undefined || !live.socket.authState.creds.me?.name) return;
    try {
      const address = device.outbound.addressOf(chatJid);
      await live.socket.sendPresenceUpdate(typing ? 'composing' : 'paused', address);
    } catch (error) {
      this.#options.log.debug({ chat: chatJid, reason: textOf(error) }, 'Typing could not be shown');
    }
  }

  fetch(reference: string, file: string, maxBytes: number, signal: AbortSignal): Promise<FetchOutcome> {
    return fetchMedia(
      { reference, file, maxBytes, signal },
      {
        serverUrl: this.#options.url,
        reupload: async (media, until) => {
          const live = this.#device?.connection.open;
          return live === undefined ? undefined : reupload(live.socket, media, until);
        },
      },
    );
  }

  async syncGroups(): Promise<number> {
    const device = this.#device;
    const live = device?.connection.open;
    if (device === undefined || live === undefined) throw new LineAwayError('Asking for the groups');
    return device.groups.sync(live.socket);
  }

  /** Starts and stops follow each other in the order in which they were asked for. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
