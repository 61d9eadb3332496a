import type { WAVersion } from '@whiskeysockets/baileys';

/** A version of WhatsApp Web as the client states it when it logs in. */
export type WhatsAppVersion = readonly [number, number, number];

/**
 * The version that this code was tested with. WhatsApp refuses a version that has become too old with 405; it is
 * pinned because asking for the current one needs the network before the line exists.
 */
export const WHATSAPP_VERSION: WhatsAppVersion = [2, 3000, 1043857760];

/** Baileys wants a tuple of its own that it may change. */
export function toBaileysVersion(version: WhatsAppVersion): WAVersion {
  return [...version];
}
