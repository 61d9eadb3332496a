import { jidDecode } from '@whiskeysockets/baileys';
import type { Companion } from './companion.ts';
import { PhoneDevice } from './device.ts';
import { Group } from './group.ts';
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

/** What somebody says who makes a group. */
export interface NewGroup {
  subject: string;
  members: readonly Person[];
  /** By LID unless said otherwise. */
  addressing?: Addressing;
  /** Who makes it and is its admin: the owner, if nobody is named. The owner is not in it otherwise. */
  by?: Person;
  /** The members' phone numbers are left out on the wire until they are revealed. */
  numbersHidden?: boolean;
}

/** Who exists: people with their phones and linked devices, and groups. */
export class Directory {
  readonly owner: Person;
  readonly #people: Person[] = [];
  readonly #phones = new Map<string, PhoneDevice>();
  readonly #groups = new Map<string, Group>();
  readonly #companions = new Set<Companion>();
  readonly #lastDevice = new Map<string, number>();

  constructor(owner: { number?: string; name?: string } = {}) {
    this.owner = this.addPerson({ name: owner.name ?? 'Owner', number: owner.number ?? '4915112345678' });
  }

  /** Adds somebody with a phone. Without a number one is made up. Throws BadPerson. */
  addPerson(given: { name: string; number?: string; username?: string }): Person {
    const index = this.#people.length;
    const number = (given.number ?? (FIRST_NUMBER + index).toString()).replace(/^\+/, '');
    if (!/^\d{7,15}$/.test(number)) {
      throw new BadPerson(`"${number}" is no phone number: write 7 to 15 digits with the country code.`);
    }
    if (given.name.trim() === '') throw new BadPerson('The name is empty: everybody on WhatsApp has one.');
    const jid = `${number}@s.whatsapp.net`;
    if (this.#phones.has(jid)) throw new BadPerson(`${number} is taken: choose another number.`);
    const person: Person = {
      jid,
      lid: `${FIRST_LID + index * 7919}@lid`,
      name: given.name,
      ...(given.username !== undefined && { username: given.username }),
    };
    this.#people.push(person);
    this.#phones.set(jid, new PhoneDevice(person));
    return person;
  }

  /**
   * Makes a group of these people and whoever makes it: the owner, if nobody is named. Throws UnknownJid and
   * BadGroupChange.
   */
  createGroup(given: NewGroup): Group {
    const creator = given.by ?? this.owner;
    const others = given.members.filter((member) => member.jid !== creator.jid);
    const group = new Group({
      jid: `${FIRST_GROUP + this.#groups.size}000@g.us`,
      subject: given.subject,
      addressing: given.addressing ?? 'lid',
      creator,
      members: [creator, ...others].map((member) => this.person(member.jid)),
      numbersHidden: given.numbersHidden ?? false,
      createdAt: Date.now(),
    });
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
    return [...this.#companions];
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

  /** Like `findGroup`; throws UnknownJid. */
  group(jid: string): Group {
    const found = this.#groups.get(jid);
    if (!found) throw new UnknownJid(jid);
    return found;
  }

  phone(person: Person): PhoneDevice {
    const phone = this.#phones.get(person.jid);
    if (!phone) throw new UnknownJid(person.jid);
    return phone;
  }

  /** Somebody's linked devices. */
  companionsOf(person: Person): readonly Companion[] {
    return this.companions.filter(({ owner }) => owner.jid === person.jid);
  }

  /** The linked device that a JID means; undefined for phones and strangers. */
  companion(jid: string): Companion | undefined {
    const person = this.find(jid);
    const device = deviceOf(jid);
    return person && this.companionsOf(person).find((companion) => companion.device === device);
  }

  /** The number that somebody's next linked device gets; none is used twice. */
  takeDeviceNumber(person: Person): number {
    const device = (this.#lastDevice.get(person.jid) ?? 0) + 1;
    this.#lastDevice.set(person.jid, device);
    return device;
  }

  link(companion: Companion): void {
    this.#companions.add(companion);
  }

  /** Somebody removes a linked device. */
  async unlink(companion: Companion): Promise<void> {
    this.#companions.delete(companion);
    for (const phone of this.#phones.values()) await phone.forget(companion.lid);
  }

  get phones(): readonly PhoneDevice[] {
    return [...this.#phones.values()];
  }

  close(): void {
    for (const phone of this.#phones.values()) phone.close();
  }
}
