import type { BinaryNode, proto } from '@whiskeysockets/baileys';
import type { Correspondent, Sealed } from '../accounts/device.ts';
import { addressOf, type Person } from '../accounts/person.ts';
import type { Addressed } from './addressed.ts';
import type { Service } from './service.ts';

/** In a `skmsg`: inside the id of the sender key, which then nobody knows. */
const SENDER_KEY_ID = 2;
/** In the others, from the end: inside what the message's authenticity is checked by. */
const MAC_FROM_END = 12;

/** Encrypts for a linked device of `viewer`: what was said by that account's own phone comes wrapped. */
export async function seal(
  service: Service,
  device: Correspondent,
  viewer: Person,
  to: Addressed,
  message: proto.IMessage,
): Promise<Sealed[]> {
  const phone = service.directory.phone(to.speaker);
  if (to.group) {
    return phone.encryptGroup(to.group.jid, addressOf(to.speaker, to.addressing), device, message);
  }
  if (!to.hearer || to.speaker.jid !== viewer.jid) return [await phone.encrypt(device, message)];
  const destinationJid = addressOf(to.hearer, to.addressing);
  return [await phone.encrypt(device, { deviceSentMessage: { destinationJid, message } })];
}

/** Writes ciphertexts as the `<enc>` elements of a message. */
export function encElements(sealed: readonly Sealed[], more: BinaryNode['attrs'] = {}): BinaryNode[] {
  return sealed.map(({ type, ciphertext }) => ({
    tag: 'enc',
    attrs: { v: '2', type, ...more },
    content: ciphertext,
  }));
}

/** Spoils the last ciphertext of a message, the one with the text, so that it cannot be decrypted. */
export function garble(sealed: readonly Sealed[]): Sealed[] {
  const last = sealed.at(-1);
  if (!last) return [];
  const spoilt = Buffer.from(last.ciphertext);
  spoilt[last.type === 'skmsg' ? SENDER_KEY_ID : spoilt.length - MAC_FROM_END]! ^= 1;
  return [...sealed.slice(0, -1), { type: last.type, ciphertext: spoilt }];
}
