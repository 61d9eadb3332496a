import type { BaileysEventMap, GroupMetadata, GroupParticipant } from '@whiskeysockets/baileys';
import type { Log } from '../../log.ts';
import type { ChannelListener, Member } from '../channel.ts';
import { textOf } from './errors.ts';
import type { Identity } from './identity.ts';

/** What of a socket asks about groups. */
export interface GroupQueries {
  groupFetchAllParticipating(): Promise<{ [jid: string]: GroupMetadata }>;
  groupMetadata(jid: string): Promise<GroupMetadata>;
}

type GroupListener = Pick<ChannelListener, 'onChat' | 'onMembers' | 'onAllGroups' | 'together'>;

/**
 * The groups that the account is in, with their members: Baileys needs them at every group send, and their lists tell
 * which phone number a LID stands for. An entry that may have become wrong is dropped; Baileys then asks the server.
 */
export class Groups {
  readonly #listener: GroupListener;
  readonly #identity: Identity;
  readonly #nameOf: (jid: string) => string | undefined;
  readonly #log: Log;
  readonly #onTimer: (jid: string, seconds: number) => void;
  readonly #known = new Map<string, GroupMetadata>();
  /** One question for all groups at a time; who asks meanwhile shares the answer. */
  #syncing: { readonly queries: GroupQueries; readonly done: Promise<number> } | undefined;
  #wereListed = false;
  /** Groups that are being asked about, and whether something changed since the question. */
  readonly #asking = new Map<string, { changed: boolean }>();

  /**
   * @param nameOf what a person, in their one form, is called, if that was heard
   * @param onTimer told after how many seconds a group's messages disappear; 0: they stay
   */
  constructor(
    listener: GroupListener,
    identity: Identity,
    nameOf: (jid: string) => string | undefined,
    log: Log,
    onTimer: (jid: string, seconds: number) => void = () => undefined,
  ) {
    this.#listener = listener;
    this.#identity = identity;
    this.#nameOf = nameOf;
    this.#log = log;
    this.#onTimer = onTimer;
  }

  metadata(jid: string): GroupMetadata | undefined {
    return this.#known.get(jid);
  }

  name(jid: string): string | undefined {
    return this.#known.get(jid)?.subject || undefined;
  }

  /**
   * How a person, in their one form, is named in a group: there all go by phone number or all by LID, and phones know a message
   * by the name that its writer goes by. Asks for a group that is not known. Never rejects.
   * @param queries undefined: the line is away, nothing is asked
   */
  async memberName(
    queries: Pick<GroupQueries, 'groupMetadata'> | undefined,
    jid: string,
    person: string,
  ): Promise<string> {
    const group = this.#known.get(jid) ?? (queries && (await this.#askFor(queries, jid)));
    // Who has left is known by their LID too, if it was learnt.
    return (group?.addressingMode === 'lid' && this.#identity.lid(person)) || person;
  }

  async #askFor(
    queries: Pick<GroupQueries, 'groupMetadata'>,
    jid: string,
  ): Promise<GroupMetadata | undefined> {
    try {
      const answer = await queries.groupMetadata(jid);
      this.#take(answer);
      return answer;
    } catch (error) {
      this.#log.debug({ chat: jid, reason: textOf(error) }, 'The group could not be asked about');
      return undefined;
    }
  }

  /** Whether the platform has listed all groups once. */
  get wereListed(): boolean {
    return this.#wereListed;
  }

  /** Asks for all groups anew and reports each. Rejects when the server does not answer. Returns how many there are. */
  sync(queries: GroupQueries): Promise<number> {
    if (this.#syncing?.queries === queries) return this.#syncing.done;
    const done = this.#sync(queries);
    this.#syncing = { queries, done };
    return done;
  }

  async #sync(queries: GroupQueries): Promise<number> {
    const before = new Set(this.#known.keys());
    const groups = await this.#askForAll(queries);
    const listed = new Set(groups.map(({ id }) => id));
    // Into these the account came after the question, perhaps after the answer was written.
    for (const id of this.#known.keys()) if (!before.has(id)) listed.add(id);
    // What the answer leaves out is only not known any more: that the account has left it is the listener's to judge.
    for (const id of before) if (!listed.has(id)) this.#known.delete(id);
    this.#listener.together(() => {
      this.takeAll(groups);
      this.#guarded(undefined, () => this.#listener.onAllGroups([...listed]));
    });
    this.#wereListed = true;
    return groups.length;
  }

  async #askForAll(queries: GroupQueries): Promise<readonly GroupMetadata[]> {
    try {
      return Object.values(await queries.groupFetchAllParticipating());
    } finally {
      // Before anything is reported: who shares an answer has heard all of it.
      if (this.#syncing?.queries === queries) this.#syncing = undefined;
    }
  }

  /** Somebody came, went, or became an admin: the group is asked about anew, unless it was the account that went. */
  async membersChanged(
    queries: GroupQueries,
    { id, action, participants }: BaileysEventMap['group-participants.update'],
  ): Promise<void> {
    if (action === 'remove' && participants.some((each) => this.#isOwner(each))) this.#left(id);
    else await this.#refresh(queries, id);
  }

  /** In the background: a failure only costs a query at the next send. A hundred changes at once are no hundred questions. */
  async #refresh(queries: GroupQueries, jid: string): Promise<void> {
    this.#known.delete(jid);
    const underWay = this.#asking.get(jid);
    if (underWay !== undefined) {
      underWay.changed = true;
      return;
    }
    const question = { changed: false };
    this.#asking.set(jid, question);
    try {
      const answer = await queries.groupMetadata(jid);
      if (!question.changed) this.#take(answer);
    } catch (error) {
      question.changed = false;
      this.#log.debug({ chat: jid, reason: textOf(error) }, 'The group could not be asked about');
    } finally {
      this.#asking.delete(jid);
    }
    if (question.changed) await this.#refresh(queries, jid);
  }

  /** Whole groups as the server told them. */
  takeAll(groups: readonly GroupMetadata[]): void {
    this.#listener.together(() => {
      for (const group of groups) this.#take(group);
    });
  }

  /** Changes of groups' properties; who comes and goes is told by `refresh`. */
  updateAll(changes: readonly Partial<GroupMetadata>[]): void {
    this.#listener.together(() => {
      for (const change of changes) {
        if (isWhole(change)) this.#take(change);
        else this.#update(change);
      }
    });
  }

  #take(group: GroupMetadata): void {
    // Baileys also emits a list as changes, before it returns it.
    if (this.#known.get(group.id) === group) return;
    this.#known.set(group.id, group);
    const members = group.participants.flatMap((each) => this.#member(each) ?? []);
    this.#report(group.id, group.subject);
    // A group without anybody in it is none that the account is in: the server left the list away.
    if (members.length === 0) return;
    this.#reportMembers(group.id, members);
    this.#guarded(group.id, () => this.#onTimer(group.id, group.ephemeralDuration ?? 0));
  }

  #left(jid: string): void {
    this.#known.delete(jid);
    this.#reportMembers(jid, []);
  }

  #member(participant: GroupParticipant): Member | undefined {
    const { id, phoneNumber, lid, username, admin, isAdmin, isSuperAdmin } = participant;
    const jid = this.#identity.person(id, phoneNumber ?? lid);
    if (jid === undefined) return undefined;
    const name = this.#nameOf(jid) ?? username;
    return { jid, ...(name !== undefined && { name }), isAdmin: Boolean(admin || isAdmin || isSuperAdmin) };
  }

  #isOwner({ id, phoneNumber, lid }: GroupParticipant): boolean {
    return [id, phoneNumber, lid].some((jid) => this.#identity.isOwner(jid));
  }

  #update(change: Partial<GroupMetadata>): void {
    const known = change.id === undefined ? undefined : this.#known.get(change.id);
    if (known === undefined) return;
    this.#known.set(known.id, { ...known, ...change });
    const { ephemeralDuration: seconds } = change;
    if (seconds !== undefined) this.#guarded(known.id, () => this.#onTimer(known.id, seconds));
    if (change.subject && change.subject !== known.subject) this.#report(known.id, change.subject);
  }

  #report(jid: string, name: string | undefined): void {
    this.#guarded(jid, () => this.#listener.onChat({ jid, name: name || undefined, isGroup: true }));
  }

  #reportMembers(jid: string, members: readonly Member[]): void {
    this.#guarded(jid, () => this.#listener.onMembers(jid, members));
  }

  #guarded(jid: string | undefined, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#log.error({ err: error, chat: jid }, 'A group could not be recorded');
    }
  }
}

function isWhole(change: Partial<GroupMetadata>): change is GroupMetadata {
  return change.id !== undefined && change.subject !== undefined && change.participants !== undefined;
}
