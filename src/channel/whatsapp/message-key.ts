import type { WAMessageKey } from '@whiskeysockets/baileys';
import { personAddress, personJid } from './jid.ts';

/** What names a message among all others, the same before and after Baileys has cleaned its key. */
export function nameOfMessage({ remoteJid, participant, id, fromMe }: WAMessageKey): string {
  return JSON.stringify([withoutDevice(remoteJid), withoutDevice(participant), fromMe === true, id ?? '']);
}

function withoutDevice(jid: string | null | undefined): string {
  const address = personAddress(jid);
  return address === undefined ? (jid ?? '') : personJid(address);
}
