import type { ChatInfo, Member } from '../channel/channel.ts';
import type { Clock, NewId } from '../clock.ts';
import type { Log } from '../log.ts';
import { shortened } from '../protocol/graphemes.ts';
import type { MembersChange } from '../store/group-members.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { Store } from '../store/store.ts';
import { leftGroup } from './notices.ts';

/** So many people are named in one line; the others are counted. */
const MOST_NAMES = 5;
const LONGEST_NAME = 60;

export interface GroupNewsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
}

/**
 * Names of chats and members of groups, as the channel tells them. In a registered group a change is a line that the next turn
 * reads and that calls nobody. Where the account was taken out, nothing waits any more: tasks are paused, and the owner is told,
 * as they are when it is taken in again. The tasks stay paused then: whether they are still wanted is the owner's to say.
 */
export class GroupNews {
  readonly #options: GroupNewsOptions;

  constructor(options: GroupNewsOptions) {
    this.#options = options;
  }

  onChat(chat: ChatInfo): void {
    const { store } = this.#options;
    store.transaction(() => {
      const before = store.chats.find(chat.jid)?.name ?? undefined;
      store.chats.note(chat);
      if (!chat.isGroup || chat.name === undefined || before === undefined || before === chat.name) return;
      const group = store.groups.find(chat.jid);
      if (group === undefined) return;
      store.groups.rename(chat.jid, chat.name);
      this.#tell(group, `[${clean(before)} is called ${clean(chat.name)} now]`);
    });
  }

  /** @param members the whole list; empty: the account is not in the group any more */
  onMembers(chatJid: string, members: readonly Member[]): void {
    const { store } = this.#options;
    store.transaction(() => {
      const current = members.map((member) => ({ ...member, jid: store.samePerson.current(member.jid) }));
      const change = store.members.replace(chatJid, current);
      const group = store.groups.find(chatJid);
      if (group === undefined) return;
      if (change === undefined) {
        if (members.length > 0) this.#comeBack(group);
      } else if (members.length === 0) this.#leave(group);
      else if (change.joined.length + change.left.length > 0) this.#tell(group, this.#inWords(change));
    });
  }

  /**
   * All groups that the account is in: it is not in any other one. That it is in none at all any more is more likely an
   * answer gone wrong: of each removal the platform tells by itself.
   */
  onAllGroups(chatJids: readonly string[]): void {
    const { store, log } = this.#options;
    const listed = new Set(chatJids);
    const gone = store.members.groups().filter((jid) => !listed.has(jid));
    if (listed.size === 0 && gone.length > 0) {
      log.warn(
        { groups: gone.length },
        'WhatsApp names no group at all: not believed, the groups are asked for again at the next round',
      );
      return;
    }
    for (const jid of gone) this.onMembers(jid, []);
  }

  #leave(group: RegisteredGroup): void {
    const { store, clock, log } = this.#options;
    const now = clock.now();
    log.warn({ chat: group.jid, group: group.folder }, 'The account is not in a registered group any more');
    store.state.set(`left:${group.jid}`, new Date(now).toISOString());
    store.messages.moveCursorToEnd(group.jid);
    store.outbox.giveUpWaiting(group.jid, 'the account is not in the group any more', now);
    const tasks = store.tasks.ofFolder(group.folder).filter(({ status }) => status === 'active');
    for (const task of tasks) {
      store.runs.cancelQueued(task.id, now);
      store.tasks.change(task.id, { status: 'paused' });
    }
    this.#tellOwner(group, leftGroup(group.name, tasks.length));
  }

  /** The first list of members: of a group that the account was taken out of, it is in there again. */
  #comeBack(group: RegisteredGroup): void {
    const { store, log } = this.#options;
    if (!store.state.get(`left:${group.jid}`)) return;
    store.state.set(`left:${group.jid}`, '');
    log.info({ chat: group.jid, group: group.folder }, 'The account is in a registered group again');
    const paused = store.tasks.ofFolder(group.folder).filter(({ status }) => status === 'paused');
    this.#tellOwner(group, backInGroup(group.name, paused.length));
  }

  #tellOwner(group: RegisteredGroup, text: string): void {
    const { store, clock } = this.#options;
    const main = store.groups.main();
    if (main === undefined || main.jid === group.jid) return;
    const message = { kind: 'text', text } as const;
    store.outbox.add({ chatJid: main.jid, message, source: 'notice' }, clock.now());
  }

  #tell(group: RegisteredGroup, text: string): void {
    const { store, clock, newId } = this.#options;
    store.messages.add({
      id: newId(),
      chatJid: group.jid,
      sender: group.jid,
      senderName: group.name,
      text,
      timestamp: clock.now(),
      fromMe: false,
      isTrigger: false,
      isContext: true,
    });
  }

  #inWords({ joined, left }: MembersChange): string {
    const parts = [
      ...(joined.length > 0 ? [`${this.#names(joined)} joined`] : []),
      ...(left.length > 0 ? [`${this.#names(left)} left`] : []),
    ];
    return `[${parts.join('; ')}]`;
  }

  #names(members: readonly Member[]): string {
    const named = members.slice(0, MOST_NAMES).map((member) => this.#nameOf(member));
    const others = members.length - named.length;
    const all = others === 0 ? named : [...named, others === 1 ? 'one more' : `${others} others`];
    return new Intl.ListFormat('en').format(all);
  }

  #nameOf({ jid, name }: Member): string {
    const known = name ?? this.#options.store.chats.find(jid)?.name;
    if (known) return clean(known);
    const [user, server] = jid.split('@');
    return server === 's.whatsapp.net' ? `+${user}` : 'somebody';
  }
}

/** People call themselves what they like: brackets and line breaks would let a name speak for the host. */
function clean(name: string): string {
  return shortened(name.replace(/[\s[\]]+/gu, ' ').trim(), LONGEST_NAME);
}

/** The owner's one message about a group that the account was taken into again. */
function backInGroup(name: string, pausedTasks: number): string {
  const tasks = pausedTasks === 0 ? '' : ` Tasks are paused there (${pausedTasks}): tell me to resume them.`;
  return `ℹ️ I am in the group ${name} again, and go on there.${tasks}`;
}
