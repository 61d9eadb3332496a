import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { Timings } from '../../timings.ts';
import type { ChannelListener, Outgoing } from '../channel.ts';
import type { Addressing } from './outbound.ts';
import type { WhatsAppVersion } from './version.ts';

export interface WhatsAppOptions {
  /** `store/whatsapp.db`: the account and its keys, a database of their own, mode 0600. */
  readonly databaseFile: string;
  /** Another server than WhatsApp's; on loopback only, which the config has made sure of. */
  readonly url?: string | undefined;
  /** Hex of that server's root key. */
  readonly rootKey?: string | undefined;
  /** The version to state to WhatsApp; undefined: the current one is looked up. */
  readonly version?: WhatsAppVersion | undefined;
  /** `store/whatsapp-version.json`: the versions that were looked up and used. */
  readonly versionFile: string;
  /** How direct messages are addressed; absent: by LID where it is known. */
  readonly addressing?: Addressing | undefined;
  readonly listener: ChannelListener;
  readonly log: Log;
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter of the waits. */
  readonly random: () => number;
  /** What was sent to a chat under a wire id, for a device that asks for it again; undefined: nothing was. */
  readonly recallSent: (wireId: string, chatJid: string) => Outgoing | undefined;
  /** The phone number of the account to link, digits only: a pairing code is shown instead of QRs. */
  readonly pairWith?: string | undefined;
  /** Used-up QRs and codes are followed by new ones, because somebody is watching. Otherwise the line stops. */
  readonly keepOfferingQr?: boolean | undefined;
  /** How long each QR is shown, in milliseconds; absent: as WhatsApp does. */
  readonly qrTimeoutMs?: number | undefined;
  readonly timings: Pick<
    Timings,
    | 'connectTimeoutMs'
    | 'closeTimeoutMs'
    | 'reconnectFirstMs'
    | 'reconnectMaxMs'
    | 'unresponsiveAfterMs'
    | 'sendTimeoutMs'
    | 'relistGroupsAfterMs'
  >;
}
