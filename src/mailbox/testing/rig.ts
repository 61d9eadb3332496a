import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { wordsOf } from '../../channel/channel.ts';
import { systemClock } from '../../clock.ts';
import { scaffoldGroup } from '../../groups/group-folders.ts';
import { registerGroup, registerMain } from '../../groups/registration.ts';
import { type Paths, pathsAt } from '../../paths.ts';
import { MailboxResult } from '../../protocol/host-files.ts';
import { Snapshots } from '../../snapshots/snapshots.ts';
import type { OutboxRow } from '../../store/outbox.ts';
import { openStore, type Store } from '../../store/store.ts';
import { DEFAULT_TIMINGS } from '../../timings.ts';
import type { MailboxDirectory } from '../directories.ts';
import { Mailbox, type MailboxOptions } from '../mailbox.ts';

/** A rig's mailbox waits only a moment for half-written files, unless it is made with other timings. */
type MailboxChange = Partial<Omit<MailboxOptions, 'timings'>> & {
  readonly timings?: Partial<MailboxOptions['timings']>;
};

export const MAIN_JID = 'owner@example';
export const FAMILY_JID = 'family@example';
export const WORK_JID = 'work@example';
/** A chat that the host has seen and nobody registered. */
export const SEEN_JID = 'seen@example';

/** A real root with a real store, the main channel and two groups, for the tests of this room. */
export class Rig {
  readonly root = mkdtempSync(join(tmpdir(), 'mailbox-'));
  readonly paths: Paths = pathsAt(this.root, this.root);
  readonly store: Store = openStore(this.paths.database);
  readonly snapshots = new Snapshots(this.store, this.paths);
  readonly logged: Record<string, unknown>[] = [];
  readonly log = pino(
    { level: 'debug' },
    { write: (line: string) => void this.logged.push(JSON.parse(line) as Record<string, unknown>) },
  );
  readonly #mailboxes: Mailbox[] = [];

  static async open(): Promise<Rig> {
    const rig = new Rig();
    const now = Date.now();
    registerMain(rig.store, MAIN_JID, '@Andy', now);
    registerGroup(rig.store, { jid: FAMILY_JID, name: 'Family', folder: 'family', trigger: '@Andy' }, now);
    registerGroup(rig.store, { jid: WORK_JID, name: 'Work', folder: 'work', trigger: '@Andy' }, now);
    rig.store.chats.note({ jid: SEEN_JID, name: 'Seen', isGroup: true });
    for (const folder of ['main', 'family', 'work']) await scaffoldGroup(rig.paths, folder, folder);
    return rig;
  }

  mailbox(change: MailboxChange = {}): Mailbox {
    const mailbox = new Mailbox({
      store: this.store,
      paths: this.paths,
      snapshots: this.snapshots,
      syncGroups: async () => 0,
      clock: systemClock,
      newId: uuidv7,
      log: this.log,
      timezone: 'Europe/Berlin',
      ...change,
      timings: { ...DEFAULT_TIMINGS, mailboxSettleMs: 30, ...change.timings },
    });
    this.#mailboxes.push(mailbox);
    return mailbox;
  }

  async close(): Promise<void> {
    for (const mailbox of this.#mailboxes) await mailbox.stop();
    this.store.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  directory(folder: string, directory: MailboxDirectory = 'messages'): string {
    return join(this.paths.groupIpc(folder), directory);
  }

  /** Drops a file as agents do, by temporary file and rename. */
  async drop(folder: string, content: unknown, directory: MailboxDirectory = 'messages'): Promise<string> {
    const path = join(this.directory(folder, directory), `${uuidv7()}.json`);
    await writeFile(`${path}.tmp`, typeof content === 'string' ? content : JSON.stringify(content));
    await rename(`${path}.tmp`, path);
    return path;
  }

  message(folder: string, text: string, more: Record<string, unknown> = {}): Promise<string> {
    const chatJid = this.store.groups.inFolder(folder)?.jid ?? 'nobody@example';
    return this.drop(folder, { type: 'message', chatJid, text, ...more });
  }

  /** Puts a file where an earlier process would have left it after its claim. */
  async claimed(folder: string, content: unknown, id: string = uuidv7()): Promise<string> {
    await mkdir(join(this.paths.ipcClaimed, folder), { recursive: true });
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(join(this.paths.ipcClaimed, folder, id), text);
    return id;
  }

  /** What is to be sent to each chat, first to last; only heads are visible, so each is settled when it was seen. */
  takeOutbox(): OutboxRow[] {
    const rows: OutboxRow[] = [];
    for (let heads = this.store.outbox.heads(); heads.length > 0; heads = this.store.outbox.heads()) {
      for (const row of heads) {
        rows.push(row);
        this.store.outbox.settle(row.seq, 'sent', Date.now());
      }
    }
    return rows;
  }

  texts(): string[] {
    return this.takeOutbox().map(({ message }) => wordsOf(message));
  }

  async result(folder: string, requestId: string): Promise<MailboxResult> {
    const path = join(this.paths.groupIpc(folder), 'results', `${requestId}.json`);
    return MailboxResult.parse(JSON.parse(await readFile(path, 'utf8')));
  }

  async waiting(folder: string): Promise<string[]> {
    const lists = [this.directory(folder), this.directory(folder, 'tasks')].map((path) => readdir(path));
    return (await Promise.all(lists)).flat();
  }

  claims(folder: string): Promise<string[]> {
    return list(join(this.paths.ipcClaimed, folder));
  }

  /** Quarantined entries without their reasons and records. */
  async quarantined(folder: string): Promise<string[]> {
    const names = await list(join(this.paths.ipcErrors, folder));
    return names.filter((name) => !name.endsWith('.reason.json') && !name.startsWith('records.'));
  }

  async reasons(folder: string): Promise<string[]> {
    const directory = join(this.paths.ipcErrors, folder);
    const names = (await list(directory)).filter((name) => name.endsWith('.reason.json'));
    const files = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
    return files.map((file) => (JSON.parse(file) as { reason: string }).reason);
  }

  async records(folder: string): Promise<{ name: string; reason: string; size?: number; kept: unknown }[]> {
    const names = await list(join(this.paths.ipcErrors, folder));
    if (!names.includes('records.jsonl')) return [];
    const lines = await readFile(join(this.paths.ipcErrors, folder, 'records.jsonl'), 'utf8');
    return lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  }
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
