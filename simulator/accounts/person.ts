import { jidDecode } from '@whiskeysockets/baileys';

/** How a person or a group is named on the wire: by phone number or by LID (the "hidden" identity). */
export type Addressing = 'pn' | 'lid';

/** Somebody with a phone and a WhatsApp account. */
export interface Person {
  /** The phone-number form, `4915112345678@s.whatsapp.net`: the name this simulator knows people by. */
  readonly jid: string;
  /** The LID form, `200000000000001@lid`. */
  readonly lid: string;
  /** The push name that the others see. */
  readonly name: string;
  /** Who has one shows it in the place of the phone number, to everybody. */
  readonly username?: string;
}

/** The person's JID in one of its two forms, with a device number where it is not the phone. */
export function addressOf(person: Person, addressing: Addressing, device = 0): string {
  const jid = addressing === 'lid' ? person.lid : person.jid;
  return device === 0 ? jid : jid.replace('@', `:${device}@`);
}

/** The form that a JID has. */
export function addressingOf(jid: string): Addressing {
  return jid.endsWith('@lid') ? 'lid' : 'pn';
}

/** The device number in a JID, 0 for the phone. */
export function deviceOf(jid: string): number {
  return jidDecode(jid)?.device ?? 0;
}

/** A phone number is not 7 to 15 digits, or a name is empty, or the number is taken. */
export class BadPerson extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'BadPerson';
  }
}
