import { ContainerConfig } from '../protocol/mailbox.ts';
import type { Database } from './database.ts';
import { currentJid } from './same-person.ts';

export interface RegisteredGroup {
  readonly jid: string;
  readonly name: string;
  readonly folder: string;
  /** What calls the assistant, for example `@Andy`. */
  readonly trigger: string;
  readonly requiresTrigger: boolean;
  readonly isMain: boolean;
  readonly containerConfig: ContainerConfig;
}

interface GroupRow {
  jid: string;
  name: string;
  folder: string;
  trigger: unknown;
  requiresTrigger: number | null;
  isMain: number | null;
  containerConfig: string | null;
}

/** Texts are read as such: `readfile()` of an operator's `sqlite3` stores bytes. */
const SELECT = `SELECT COALESCE(CAST(jid AS TEXT), '') AS jid, CAST(name AS TEXT) AS name,
  IIF(typeof(folder) = 'text', folder, '') AS folder, trigger_pattern AS trigger, requires_trigger AS requiresTrigger,
  is_main AS isMain, container_config AS containerConfig FROM registered_groups`;

/**
 * Settings that an operator wrote by hand: a field that cannot be read counts as not set, and the others stand. Whoever meant to
 * close the network must not find it open: settings that cannot be read at all close it.
 * @returns `problem`: what cannot be read, and what holds instead; undefined: nothing
 */
export function readConfig(json: unknown): {
  readonly config: ContainerConfig;
  readonly problem: string | undefined;
} {
  if (json === null || (typeof json === 'string' && json.trim() === ''))
    return { config: {}, problem: undefined };
  const fields = parseObject(json);
  if (fields === undefined) {
    const problem = 'it is no JSON object; until then the network is closed and the rest as by default';
    return { config: { network: 'none' }, problem };
  }
  const whole = ContainerConfig.safeParse(fields);
  if (whole.success) return { config: whole.data, problem: undefined };
  const broken = new Set(whole.error.issues.map(({ path }) => path[0]));
  const readable = Object.fromEntries(Object.entries(fields).filter(([name]) => !broken.has(name)));
  const words = whole.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  const instead = broken.has('network') ? 'the network is closed' : 'that counts as not set';
  return {
    config: { ...ContainerConfig.parse(readable), ...(broken.has('network') ? { network: 'none' } : {}) },
    problem: `${words.join('; ')}; until then ${instead}`,
  };
}

function parseObject(json: unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(String(json));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function toGroup(row: GroupRow): RegisteredGroup {
  return {
    jid: row.jid,
    name: row.name,
    folder: row.folder,
    // An operator may have written anything.
    trigger: typeof row.trigger === 'string' ? row.trigger : '',
    requiresTrigger: row.requiresTrigger !== 0,
    isMain: row.isMain === 1,
    containerConfig: readConfig(row.containerConfig).config,
  };
}

function settingsOf({ trigger, requiresTrigger, containerConfig }: RegisteredGroup) {
  return {
    trigger,
    requiresTrigger: requiresTrigger ? 1 : 0,
    config: Object.keys(containerConfig).length === 0 ? null : JSON.stringify(containerConfig),
  };
}

/** Whether a chat is another channel's, as v1 had them (`tg:123`): nothing can be sent there. */
export function isForeignJid(jid: string): boolean {
  return !jid.includes('@') || /^[a-z]+:/i.test(jid);
}

/** The chats in which the assistant takes part. Nothing is cached: an operator's `sqlite3` takes effect at the next turn. */
export class Groups {
  readonly #db: Database;
  readonly #all;
  readonly #byJid;
  readonly #byFolder;
  readonly #main;
  readonly #insert;
  readonly #remove;
  readonly #changeSettings;
  readonly #replaceTrigger;
  readonly #rename;
  readonly #moveMain;
  readonly #moveMainTasks;
  readonly #moveMainRuns;

  constructor(db: Database) {
    this.#db = db;
    this.#all = db.sql.prepare<[], GroupRow>(`${SELECT} ORDER BY is_main DESC, added_at, jid`);
    this.#byJid = db.sql.prepare<{ jid: string }, GroupRow>(`${SELECT} WHERE jid = ${currentJid('@jid')}`);
    this.#byFolder = db.sql.prepare<[string], GroupRow>(`${SELECT} WHERE folder = ?`);
    this.#main = db.sql.prepare<[], GroupRow>(`${SELECT} WHERE is_main = 1`);
    this.#insert = db.sql.prepare(`
      INSERT INTO registered_groups (jid, name, folder, trigger_pattern, added_at, container_config, requires_trigger, is_main)
      VALUES (@jid, @name, @folder, @trigger, @at, @config, @requiresTrigger, @isMain)`);
    this.#moveMain = db.sql.prepare<[string]>('UPDATE registered_groups SET jid = ? WHERE is_main = 1');
    this.#moveMainTasks = db.sql.prepare<[string]>(`
      UPDATE scheduled_tasks SET chat_jid = ?
      WHERE group_folder = (SELECT folder FROM registered_groups WHERE is_main = 1)`);
    this.#moveMainRuns = db.sql.prepare<[string]>(`
      UPDATE runs SET chat_jid = ? WHERE status IN ('queued', 'running') AND status = 'queued'
        AND group_folder = (SELECT folder FROM registered_groups WHERE is_main = 1)`);
    this.#changeSettings = db.sql.prepare(`
      UPDATE registered_groups SET trigger_pattern = @trigger, requires_trigger = @requiresTrigger, container_config = @config
      WHERE jid = @jid`);
    this.#replaceTrigger = db.sql.prepare<[string, string]>(
      'UPDATE registered_groups SET trigger_pattern = ? WHERE trigger_pattern = ?',
    );
    this.#rename = db.sql.prepare<[string, string]>('UPDATE registered_groups SET name = ? WHERE jid = ?');
    this.#remove = db.sql.prepare<[string]>('DELETE FROM registered_groups WHERE jid = ?');
  }

  all(): readonly RegisteredGroup[] {
    return this.#all.all().map(toGroup);
  }

  find(jid: string): RegisteredGroup | undefined {
    const row = this.#byJid.get({ jid });
    return row === undefined ? undefined : toGroup(row);
  }

  inFolder(folder: string): RegisteredGroup | undefined {
    const row = this.#byFolder.get(folder);
    return row === undefined ? undefined : toGroup(row);
  }

  main(): RegisteredGroup | undefined {
    const row = this.#main.get();
    return row === undefined ? undefined : toGroup(row);
  }

  add(group: RegisteredGroup, at: number): void {
    this.#insert.run({
      jid: group.jid,
      name: group.name,
      folder: group.folder,
      at: new Date(at).toISOString(),
      ...settingsOf(group),
      isMain: group.isMain ? 1 : 0,
    });
    this.#db.ring('groups');
  }

  /** How it is called and how its agent runs; its name, folder and place stay. */
  changeSettings(group: RegisteredGroup): void {
    this.#changeSettings.run({ jid: group.jid, ...settingsOf(group) });
    this.#db.ring('groups');
  }

  /** The main channel is another chat from now on: its folder, memory, tasks and queued runs go along. */
  moveMain(jid: string): void {
    this.#moveMain.run(jid);
    this.#moveMainTasks.run(jid);
    this.#moveMainRuns.run(jid);
    this.#db.ring('groups');
  }

  /** Changes the trigger of every group that has a certain one. */
  replaceTrigger(from: string, to: string): void {
    if (this.#replaceTrigger.run(to, from).changes > 0) this.#db.ring('groups');
  }

  /** Its folder stays what it is. */
  rename(jid: string, name: string): void {
    if (this.#rename.run(name, jid).changes > 0) this.#db.ring('groups');
  }

  /** @returns false when there was none */
  remove(jid: string): boolean {
    const removed = this.#remove.run(jid).changes > 0;
    if (removed) this.#db.ring('groups');
    return removed;
  }
}
