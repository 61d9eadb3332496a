import type { BinaryNode } from '@whiskeysockets/baileys';
import {
  BadGroupChange,
  type Group,
  groupElement,
  participantElement,
  timerElement,
} from '../accounts/group.ts';
import { addressOf, type Person } from '../accounts/person.ts';
import { seconds } from '../wire/nodes.ts';
import { newMessageId } from './message-id.ts';
import type { Service } from './service.ts';

/** Writes what happened as one member's linked devices are told it. */
type Telling = (viewer: Person) => BinaryNode;

/** What members do to their group, told to the linked devices of all whom it concerns. Throws BadGroupChange. */
export class GroupChanges {
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  /** The group was just made. */
  created(group: Group): void {
    this.#tell(group, group.creator, group.members, (viewer) => ({
      tag: 'create',
      attrs: { type: 'new' },
      content: [groupElement(group, viewer)],
    }));
  }

  /** The new member is told the whole group, then all of them are told who came. */
  add(group: Group, person: Person, by?: Person): void {
    const admin = this.#admin(group, by);
    group.add(person);
    this.#tell(group, admin, [person], (viewer) => ({
      tag: 'create',
      attrs: {},
      content: [groupElement(group, viewer)],
    }));
    this.#tellOf('add', group, admin, person, group.members);
  }

  /** An admin takes somebody out. */
  remove(group: Group, person: Person, by?: Person): void {
    const admin = this.#admin(group, by);
    const before = group.members;
    group.remove(person);
    this.#tellOf('remove', group, admin, person, before);
  }

  /** Somebody goes by themselves. */
  leave(group: Group, person: Person): void {
    const before = group.members;
    group.remove(person);
    this.#tellOf('remove', group, person, person, before);
  }

  /** An admin makes somebody an admin, or an ordinary member again. */
  setAdmin(group: Group, person: Person, on: boolean, by?: Person): void {
    const admin = this.#admin(group, by);
    group.setAdmin(person, on);
    this.#tellOf(on ? 'promote' : 'demote', group, admin, person, group.members);
  }

  /** Any member gives the group another name. */
  rename(group: Group, subject: string, by: Person = this.#admin(group)): void {
    group.assertMember(by);
    if (subject.trim() === '') throw new BadGroupChange('The subject is empty: every group has one.');
    group.subject = subject;
    const who = addressOf(by, group.addressing);
    this.#tell(group, by, group.members, () => ({
      tag: 'subject',
      attrs: { subject, s_o: who, s_t: seconds() },
    }));
  }

  /** Any member sets after how many seconds messages disappear; 0: they stay. */
  setTimer(group: Group, seconds: number, by: Person = this.#admin(group)): void {
    group.assertMember(by);
    this.#service.timers.set(group, [by, by], { seconds, at: Date.now() });
    this.#tell(group, by, group.members, () => timerElement(group));
  }

  /** Who acts when nobody is named: the owner if they may, else another admin. */
  #admin(group: Group, by?: Person): Person {
    const { owner } = this.#service.directory;
    const admin = by ?? (group.isAdmin(owner) ? owner : group.admins[0]);
    if (!admin || !group.isAdmin(admin)) {
      throw new BadGroupChange(
        `${admin?.name ?? 'Nobody there'} is no admin of "${group.subject}": let an admin do it.`,
      );
    }
    return admin;
  }

  #tellOf(tag: string, group: Group, by: Person, person: Person, whom: readonly Person[]): void {
    this.#tell(group, by, whom, (viewer) => ({
      tag,
      attrs: {},
      content: [participantElement(group, person, viewer, false)],
    }));
  }

  #tell(group: Group, by: Person, whom: readonly Person[], telling: Telling): void {
    const id = newMessageId();
    for (const viewer of whom) {
      const number = group.addressing === 'lid' && group.showsNumber(by, viewer);
      const attrs: BinaryNode['attrs'] = {
        from: group.jid,
        type: 'w:gp2',
        id,
        t: seconds(),
        notify: by.name,
        participant: addressOf(by, group.addressing),
        ...(number && { participant_pn: by.jid }),
      };
      for (const companion of this.#service.directory.companionsOf(viewer)) {
        this.#service.queue(companion).add({ tag: 'notification', attrs, content: [telling(viewer)] });
      }
    }
  }
}
