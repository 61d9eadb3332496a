import { isJidBroadcast, isJidGroup, isJidStatusBroadcast, jidDecode } from '@whiskeysockets/baileys';

export const PHONE_SERVER = 's.whatsapp.net';
export const LID_SERVER = 'lid';

/** A WhatsApp address without its device. `hosted` ones are those of a business' own server: the same person. */
export type PersonAddress =
  | { readonly kind: 'phone'; readonly user: string }
  | { readonly kind: 'lid'; readonly user: string };

/** Reads a person's address; undefined for groups, broadcasts, newsletters, bots and whatever is none at all. */
export function personAddress(jid: string | null | undefined): PersonAddress | undefined {
  const decoded = jid ? jidDecode(jid) : undefined;
  if (decoded === undefined || decoded.user === '') return undefined;
  switch (decoded.server as string) {
    case PHONE_SERVER:
    case 'c.us':
    case 'hosted':
      return { kind: 'phone', user: decoded.user };
    case LID_SERVER:
    case 'hosted.lid':
      return { kind: 'lid', user: decoded.user };
    default:
      return undefined;
  }
}

/** The address as text, without a device. */
export function personJid(address: PersonAddress): string {
  return `${address.user}@${address.kind === 'phone' ? PHONE_SERVER : LID_SERVER}`;
}

/** The user part of an address, without a device. */
export function bareUser(jid: string): string {
  return jidDecode(jid)?.user ?? '';
}

export function isGroup(jid: string | null | undefined): jid is string {
  return isJidGroup(jid ?? undefined) === true;
}

/** Whether a message came by a broadcast list of somebody: to each who gets it, it is a direct one of the writer's. */
export function isBroadcastList(jid: string | null | undefined): jid is string {
  return jid != null && isJidBroadcast(jid) === true && !isJidStatusBroadcast(jid);
}
