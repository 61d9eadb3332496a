import type { GroupMetadata } from '@whiskeysockets/baileys';
import type { Log } from '../../log.ts';
import type { ChannelListener } from '../channel.ts';
import { textOf } from './errors.ts';
import type { Identity } from './identity.ts';

/** What of a socket asks about groups. */
export interface GroupQueries {
  groupFetchAllParticipating(): Promise<{ [jid: string]: GroupMetadata }>;
  groupMetadata(jid: string): Promise<GroupMetadata>;
}

/**
 * The groups that the account is in, with their members: Baileys needs them at every group send, and their lists tell
 * which phone number a LID stands for. An entry that may have become wrong is dropped; Baileys then asks the server.
 */
export class Groups {
  readonly #listener: Pick<ChannelListener, 'onChat'>;
  readonly #identity: Identity;
  readonly #log: Log;
  readonly #known = new Map<string, GroupMetadata>();

  constructor(listener: Pick<ChannelListener, 'onChat'>, identity: Identity, log: Log) {
    this.#listener = listener;
    this.#identity = identity;
    this.#log = log;
  }

  metadata(jid: string): GroupMetadata | undefined {
    return this.#known.get(jid);
  }

  name(jid: string): string | undefined {
    return this.#known.get(jid)?.subject || undefined;
  }

  /** Asks for all groups anew and reports each. Rejects when the server does not answer. Returns how many there are. */
  async sync(queries: GroupQueries): Promise<number> {
    const groups = Object.values(await queries.groupFetchAllParticipating());
    this.#known.clear();
    this.takeAll(groups);
    return groups.length;
  }

  /** Asks for one group that changed, in the background: a failure only costs a query at the next send. */
  async refresh(queries: GroupQueries, jid: string): Promise<void> {
    this.#known.delete(jid);
    try {
      this.#take(await queries.groupMetadata(jid));
    } catch (error) {
      this.#log.debug({ chat: jid, reason: textOf(error) }, 'The group could not be asked about');
    }
  }

  /** Whole groups as the server told them. */
  takeAll(groups: readonly GroupMetadata[]): void {
    for (const group of groups) this.#take(group);
  }

  /** Changes of groups' properties; who comes and goes is told by `refresh`. */
  updateAll(changes: readonly Partial<GroupMetadata>[]): void {
    for (const change of changes) {
      if (isWhole(change)) this.#take(change);
      else this.#update(change);
    }
  }

  #take(group: GroupMetadata): void {
    this.#known.set(group.id, group);
    for (const member of group.participants)
      this.#identity.person(member.id, member.phoneNumber ?? member.lid);
    this.#report(group.id, group.subject);
  }

  #update(change: Partial<GroupMetadata>): void {
    const known = change.id === undefined ? undefined : this.#known.get(change.id);
    if (known === undefined) return;
    this.#known.set(known.id, { ...known, ...change });
    if (change.subject && change.subject !== known.subject) this.#report(known.id, change.subject);
  }

  #report(jid: string, name: string | undefined): void {
    try {
      this.#listener.onChat({ jid, name: name || undefined, isGroup: true });
    } catch (error) {
      this.#log.error({ err: error, chat: jid }, 'A group could not be recorded');
    }
  }
}

function isWhole(change: Partial<GroupMetadata>): change is GroupMetadata {
  return change.id !== undefined && change.subject !== undefined && change.participants !== undefined;
}
