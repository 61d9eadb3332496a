import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Paths } from '../paths.ts';
import type { GroupsSnapshot, MailboxResult, TaskSnapshot } from '../protocol/host-files.ts';
import { replaceFile } from '../replace-file.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { Store } from '../store/store.ts';
import { inOrderOfNextRun, type Task } from '../store/tasks.ts';

/** So many members of a group are named. */
const MOST_NAMES = 100;

/** Files that the host writes and a sandbox reads, in directories in which the sandbox can plant nothing. */
export class Snapshots {
  readonly #store: Store;
  readonly #paths: Paths;
  readonly #writing = new Map<string, Promise<void>>();

  constructor(store: Store, paths: Paths) {
    this.#store = store;
    this.#paths = paths;
  }

  /** Brings the tasks and groups that a group sees up to date. Writes of one folder follow each other: the newest stays. */
  write(group: RegisteredGroup): Promise<void> {
    const before = this.#writing.get(group.folder) ?? Promise.resolve();
    const writing = before.catch(() => undefined).then(() => this.#write(group));
    this.#writing.set(group.folder, writing);
    return writing;
  }

  async #write(group: RegisteredGroup): Promise<void> {
    const directory = this.#paths.groupIpc(group.folder);
    await replaceFile(join(directory, 'current_tasks.json'), toJson(this.#tasks(group)));
    await replaceFile(join(directory, 'available_groups.json'), toJson(this.#groups(group)));
  }

  /** Answers a file that asked for an answer. @param requestId checked by the protocol's schema already */
  async writeResult(folder: string, requestId: string, result: MailboxResult): Promise<void> {
    await replaceFile(join(this.#results(folder), `${requestId}.json`), toJson(result));
  }

  /** Throws answers away that nobody waits for any more: the sandbox has ended. */
  async clearResults(folder: string): Promise<void> {
    const directory = this.#results(folder);
    for (const name of await readdir(directory)) await rm(join(directory, name), { force: true });
  }

  #results(folder: string): string {
    return join(this.#paths.groupIpc(folder), 'results');
  }

  #tasks(group: RegisteredGroup): readonly TaskSnapshot[] {
    const tasks = group.isMain ? this.#store.tasks.all() : this.#store.tasks.ofFolder(group.folder);
    const live = inOrderOfNextRun(tasks.filter(({ status }) => status !== 'completed'));
    return live.map((task) => toTaskSnapshot(task, this.#store.groups.inFolder(task.folder)?.name));
  }

  #groups(group: RegisteredGroup): GroupsSnapshot {
    const lastSync = this.#store.state.get('groups:synced') ?? '';
    if (!group.isMain) return { groups: [], lastSync };
    const registered = new Set(this.#store.groups.all().map(({ jid }) => jid));
    const groups = this.#store.chats.groups().map((chat) => ({
      jid: chat.jid,
      name: chat.name ?? chat.jid,
      lastActivity: chat.lastActivity ?? '',
      isRegistered: registered.has(chat.jid),
      ...this.#members(chat.jid, registered.has(chat.jid)),
    }));
    return { groups, lastSync };
  }

  #members(jid: string, named: boolean): Pick<GroupsSnapshot['groups'][number], 'members' | 'memberNames'> {
    const { members } = this.#store;
    const count = members.count(jid);
    if (count === 0) return {};
    if (!named) return { members: count };
    const names = members.of(jid).slice(0, MOST_NAMES);
    return { members: count, memberNames: names.map((member) => member.name ?? member.jid) };
  }
}

function toTaskSnapshot(task: Task, chatName: string | undefined): TaskSnapshot {
  return {
    id: task.id,
    groupFolder: task.folder,
    ...(chatName === undefined ? {} : { chatName }),
    prompt: task.prompt,
    ...(task.script === null ? {} : { script: task.script }),
    schedule_type: task.scheduleType,
    schedule_value: task.scheduleValue,
    status: task.status,
    next_run: task.nextRun,
  };
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
