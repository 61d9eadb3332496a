import { jidDecode } from '@whiskeysockets/baileys';
import type { Companion } from './companion.ts';
import { PhoneDevice } from './device.ts';
import type { Group } from './group.ts';
import { type Addressing, BadPerson, deviceOf, type Person } from './person.ts';

const FIRST_LID = 200_000_000_000_000;
const FIRST_NUMBER = 491_700_000_000;
/** Group ids of WhatsApp begin with 120363 and have 18 digits. */
const FIRST_GROUP = 120_363_000_000_000;

/** Nobody, or no group, has this JID. */
export class UnknownJid extends Error {
  constructor(jid: string) {
    super(`${jid} is nobody and no group here: add the person or create the group first.`);
    this.name = 'UnknownJid';
  }
}

/** Who exists: people with their phones, the owner's linked devices, and groups. */
export class Directory {
  readonly owner: Person;
  readonly #people: Person[] = [];
  readonly #phones = new Map<string, PhoneDevice>();
  readonly #groups = new Map<string, Group>();
  readonly #companions = new Map<number, Companion>();
  #nextDevice = 1;

  constructor(owner: { number?: string; name?: string } = {}) {
    this.owner = this.addPerson({ name: owner.name ?? 'Owner', number: owner.number ?? '4915112345678' });
  }

  /** Adds somebody with a phone. Without a number one is made up. Throws BadPerson. */
  addPerson(given: { name: string; number?: string }): Person {
    const index = this.#people.length;
    const number = (given.number ?? (FIRST_NUMBER + index).toString()).replace(/^\+/, '');
    if (!/^\d{7,15}$/.test(number)) {
      throw new BadPerson(`"${number}" is no phone number: write 7 to 15 digits with the country code.`);
    }
    if (given.name.trim() === '') throw new BadPerson('The name is empty: everybody on WhatsApp has one.');
    const jid = `${number}@s.whatsapp.net`;
    if (this.#phones.has(jid)) throw new BadPerson(`${number} is taken: choose another number.`);
    const person: Person = { jid, lid: `${FIRST_LID + index * 7919}@lid`, name: given.name };
    this.#people.push(person);
    this.#phones.set(jid, new PhoneDevice(person));
    return person;
  }

  /** Makes a group of the owner and these people. */
  createGroup(given: { subject: string; members: readonly Person[]; addressing?: Addressing }): Group {
    const others = given.members.filter((member) => member.jid !== this.owner.jid);
    const group: Group = {
      jid: `${FIRST_GROUP + this.#groups.size}000@g.us`,
      subject: given.subject,
      addressing: given.addressing ?? 'lid',
      creator: this.owner,
      members: [this.owner, ...others.map((member) => this.person(member.jid))],
      createdAt: Date.now(),
    };
    this.#groups.set(group.jid, group);
    return group;
  }

  get people(): readonly Person[] {
    return this.#people;
  }

  get groups(): readonly Group[] {
    return [...this.#groups.values()];
  }

  get companions(): readonly Companion[] {
    return [...this.#companions.values()];
  }

  /** Whom a JID means, in either form, with or without a device. */
  find(jid: string): Person | undefined {
    const decoded = jidDecode(jid);
    const plain = `${decoded?.user}@${decoded?.server}`;
    return this.#people.find((person) => person.jid === plain || person.lid === plain);
  }

  /** Like `find`; throws UnknownJid. */
  person(jid: string): Person {
    const found = this.find(jid);
    if (!found) throw new UnknownJid(jid);
    return found;
  }

  findGroup(jid: string): Group | undefined {
    return this.#groups.get(jid);
  }

  phone(person: Person): PhoneDevice {
    const phone = this.#phones.get(person.jid);
    if (!phone) throw new UnknownJid(person.jid);
    return phone;
  }

  /** The linked device that a JID means; undefined for phones and strangers. */
  companion(jid: string): Companion | undefined {
    return this.find(jid)?.jid === this.owner.jid ? this.#companions.get(deviceOf(jid)) : undefined;
  }

  /** The number that the next linked device gets; none is used twice. */
  takeDeviceNumber(): number {
    return this.#nextDevice++;
  }

  link(companion: Companion): void {
    this.#companions.set(companion.device, companion);
  }

  /** The owner removes a linked device. */
  async unlink(companion: Companion): Promise<void> {
    this.#companions.delete(companion.device);
    for (const phone of this.#phones.values()) await phone.forget(companion.lid);
  }

  get phones(): readonly PhoneDevice[] {
    return [...this.#phones.values()];
  }

  close(): void {
    for (const phone of this.#phones.values()) phone.close();
  }
}
