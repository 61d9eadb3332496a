import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as yieldToEvents } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { scaffoldGroup } from '../../src/groups/group-folders.ts';
import { registerGroup, registerMain } from '../../src/groups/registration.ts';
import type { Paths } from '../../src/paths.ts';
import { openStore } from '../../src/store/store.ts';
import type { Cleanup } from '../support/cleanup.ts';

export type GroupName = 'flooder' | 'neighbour';

const POLL_MS = 50;
/** Files of a flood between which the neighbour has a chance to drop its own. */
const CHUNK = 50;

const jidOf = (group: GroupName): string => `${group}@g.us`;

/** Two registered groups that drop files, and the database in which their effects appear. */
export class MailboxScene {
  readonly #paths: Paths;
  readonly #sql: BetterSqlite3.Database;
  readonly #count;
  readonly #effects;
  readonly #lastAt;
  readonly #dropped: Record<GroupName, number> = { flooder: 0, neighbour: 0 };

  private constructor(paths: Paths) {
    this.#paths = paths;
    this.#sql = new BetterSqlite3(paths.database, { readonly: true });
    this.#count = this.#sql.prepare<[string], { count: number }>(
      "SELECT COUNT(*) AS count FROM outbox WHERE chat_jid = ? AND status = 'queued'",
    );
    this.#lastAt = this.#sql.prepare<[string], { at: string }>(
      'SELECT MAX(created_at) AS at FROM outbox WHERE chat_jid = ?',
    );
    this.#effects = this.#sql.prepare<[string], { text: string; at: string }>(
      "SELECT payload ->> '$.text' AS text, created_at AS at FROM outbox WHERE chat_jid = ?",
    );
  }

  static async open(paths: Paths, cleanup: Cleanup): Promise<MailboxScene> {
    const store = openStore(paths.database);
    const now = Date.now();
    registerMain(store, 'owner@s.whatsapp.net', '@Andy', now);
    for (const folder of ['flooder', 'neighbour'] as const) {
      registerGroup(store, { jid: jidOf(folder), name: folder, folder, trigger: '@Andy' }, now);
    }
    const groups = store.groups.all();
    store.close();
    for (const { folder, name } of groups) await scaffoldGroup(paths, folder, name);
    const scene = new MailboxScene(paths);
    cleanup.add(() => void scene.#sql.close());
    return scene;
  }

  /** Drops a file as agents do, by temporary file and rename. @returns when, in milliseconds since the epoch */
  drop(group: GroupName, text: string): number {
    const name = String(++this.#dropped[group]).padStart(8, '0');
    const directory = join(this.#paths.groupIpc(group), 'messages');
    const hidden = join(directory, `.${name}.tmp`);
    writeFileSync(hidden, JSON.stringify({ type: 'message', chatJid: jidOf(group), text }));
    const at = Date.now();
    renameSync(hidden, join(directory, `${name}.json`));
    return at;
  }

  /** The flooder drops files as fast as it can. @returns when it began, in milliseconds since the epoch */
  async flood(files: number): Promise<number> {
    const startedAt = Date.now();
    for (let index = 0; index < files; index++) {
      this.drop('flooder', `flood ${index}`);
      if (index % CHUNK === 0) await yieldToEvents();
    }
    return startedAt;
  }

  /** @returns when the last file of the flood had become its effect, in milliseconds since the epoch */
  async untilFloodTaken(signal: AbortSignal): Promise<number> {
    await this.#untilTaken('flooder', signal);
    return Date.parse(this.#lastAt.get(jidOf('flooder'))?.at ?? '');
  }

  /** Every file that was dropped has become its effect. */
  async untilTaken(signal: AbortSignal): Promise<void> {
    await this.#untilTaken('neighbour', signal);
    await this.#untilTaken('flooder', signal);
  }

  /** When each text of a group became an effect, in milliseconds since the epoch. */
  takenAt(group: GroupName): ReadonlyMap<string, number> {
    return new Map(this.#effects.all(jidOf(group)).map(({ text, at }) => [text, Date.parse(at)]));
  }

  async #untilTaken(group: GroupName, signal: AbortSignal): Promise<void> {
    while ((this.#count.get(jidOf(group))?.count ?? 0) < this.#dropped[group]) {
      signal.throwIfAborted();
      await delay(POLL_MS);
    }
  }
}
