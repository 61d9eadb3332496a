import type { BinaryNode } from '@whiskeysockets/baileys';
import { seconds } from '../wire/nodes.ts';
import { type Addressing, addressOf, type Person } from './person.ts';

/** The change cannot be made in this group, or not by that person. */
export class BadGroupChange extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'BadGroupChange';
  }
}

/** With what a group begins. */
interface GroupBeginning {
  jid: string;
  subject: string;
  addressing: Addressing;
  /** Who makes it; the first admin. */
  creator: Person;
  /** Everybody, the creator included. */
  members: readonly Person[];
  /** Members see of each other only the LID until somebody's number is revealed. */
  numbersHidden: boolean;
  /** Milliseconds since 1970. */
  createdAt: number;
}

/** A group as all its members see it. */
export class Group {
  readonly jid: string;
  readonly addressing: Addressing;
  readonly creator: Person;
  readonly createdAt: number;
  subject: string;
  /** After how many seconds messages disappear; 0: they stay. */
  disappearsAfter = 0;
  readonly #members = new Map<string, Person>();
  readonly #admins = new Set<string>();
  readonly #numbersHidden: boolean;
  readonly #revealed = new Set<string>();

  /** Throws BadGroupChange when numbers are to be hidden in a group that is addressed by them. */
  constructor(beginning: GroupBeginning) {
    if (beginning.numbersHidden && beginning.addressing === 'pn') {
      throw new BadGroupChange('A group addressed by phone number shows the numbers: make it with "lid".');
    }
    this.jid = beginning.jid;
    this.subject = beginning.subject;
    this.addressing = beginning.addressing;
    this.creator = beginning.creator;
    this.createdAt = beginning.createdAt;
    this.#numbersHidden = beginning.numbersHidden;
    for (const member of beginning.members) this.#members.set(member.jid, member);
    this.#admins.add(beginning.creator.jid);
  }

  get members(): readonly Person[] {
    return [...this.#members.values()];
  }

  get admins(): readonly Person[] {
    return this.members.filter((member) => this.isAdmin(member));
  }

  has({ jid }: Person): boolean {
    return this.#members.has(jid);
  }

  isAdmin({ jid }: Person): boolean {
    return this.#admins.has(jid);
  }

  /** Throws BadGroupChange when the person is in the group. */
  add(person: Person): void {
    if (this.has(person)) throw new BadGroupChange(`${person.name} is in "${this.subject}" already.`);
    this.#members.set(person.jid, person);
  }

  /** Takes a member out; when no admin is left, the member who is there longest becomes one. */
  remove(person: Person): void {
    this.assertMember(person);
    this.#members.delete(person.jid);
    this.#admins.delete(person.jid);
    const [heir] = this.#members.keys();
    if (this.#admins.size === 0 && heir !== undefined) this.#admins.add(heir);
  }

  setAdmin(person: Person, on: boolean): void {
    this.assertMember(person);
    if (this.isAdmin(person) === on) {
      throw new BadGroupChange(`${person.name} is ${on ? 'an' : 'no'} admin of "${this.subject}" already.`);
    }
    if (on) this.#admins.add(person.jid);
    else this.#admins.delete(person.jid);
  }

  /** From now on the others see the member's phone number. */
  reveal(person: Person): void {
    this.assertMember(person);
    this.#revealed.add(person.jid);
  }

  /** Does a member see somebody's phone number? Everybody sees their own. */
  showsNumber(person: Person, to: Person): boolean {
    if (person.jid === to.jid || this.#revealed.has(person.jid)) return true;
    return !this.#numbersHidden && person.username === undefined;
  }

  /** Throws BadGroupChange. */
  assertMember(person: Person): void {
    if (!this.has(person)) throw new BadGroupChange(`${person.name} is not in "${this.subject}".`);
  }
}

/** Writes `<participant>` as one of the members sees it, with or without the role. */
export function participantElement(group: Group, person: Person, viewer: Person, role = true): BinaryNode {
  const number: BinaryNode['attrs'] = group.showsNumber(person, viewer) ? { phone_number: person.jid } : {};
  const other = group.addressing === 'lid' ? number : { lid: person.lid };
  const type = person.jid === group.creator.jid ? 'superadmin' : 'admin';
  return {
    tag: 'participant',
    attrs: {
      jid: addressOf(person, group.addressing),
      ...other,
      ...(person.username !== undefined && { username: person.username }),
      ...(role && group.isAdmin(person) && { type }),
    },
  };
}

/** Writes after how long the group's messages disappear. */
export function timerElement({ disappearsAfter }: Group): BinaryNode {
  return disappearsAfter > 0
    ? { tag: 'ephemeral', attrs: { expiration: disappearsAfter.toString(), trigger: '0' } }
    : { tag: 'not_ephemeral', attrs: {} };
}

/** Writes `<group>`, the answer to a metadata query by a member. */
export function groupElement(group: Group, viewer: Person): BinaryNode {
  const creator = addressOf(group.creator, group.addressing);
  const alternative: BinaryNode['attrs'] =
    group.addressing === 'lid' && group.showsNumber(group.creator, viewer)
      ? { creator_pn: group.creator.jid, s_o_pn: group.creator.jid }
      : {};
  return {
    tag: 'group',
    attrs: {
      id: group.jid.replace('@g.us', ''),
      addressing_mode: group.addressing,
      subject: group.subject,
      creator,
      creation: seconds(group.createdAt),
      s_o: creator,
      s_t: seconds(group.createdAt),
      size: group.members.length.toString(),
      ...alternative,
    },
    content: [
      ...group.members.map((member) => participantElement(group, member, viewer)),
      ...(group.disappearsAfter > 0 ? [timerElement(group)] : []),
    ],
  };
}
