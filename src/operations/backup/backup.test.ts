import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import { create, list } from 'tar';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { FAMILY, MAIN, newMessage } from '../../../test/support/test-store.ts';
import { HOUR } from '../../clock.ts';
import { loadBaseConfig } from '../../config.ts';
import { openInstance } from '../../instance.ts';
import { type Paths, pathsAt } from '../../paths.ts';
import { HostLock } from '../../store/host-lock.ts';
import { openStore, type Store } from '../../store/store.ts';
import { ArchiveWriter, checkArchive } from './archive.ts';
import { formatBackup, takeBackup } from './backup.ts';
import { type Accounts, formatRestore, restoreBackup } from './restore.ts';
import { treeOf } from './safe-tree.ts';
import { commitSwap, NEW } from './swap.ts';

const NOW = Date.UTC(2026, 5, 1, 12);
const BACKUP_AT = NOW - 24 * HOUR;
const iso = (instant: number): string => new Date(instant).toISOString();

/** What the channel would say: a file with a number in it is a linked account. */
const accounts: Accounts = {
  inspect: (file) => {
    if (!existsSync(file)) return { status: 'absent' };
    const database = new BetterSqlite3(file, { readonly: true });
    const number = database.prepare('SELECT number FROM account').pluck().get() as string;
    database.close();
    return { status: 'paired', number, name: undefined };
  },
  freshen: (file) => {
    const database = new BetterSqlite3(file);
    database.exec('ALTER TABLE account ADD COLUMN fresh');
    database.close();
  },
};

function account(file: string, number: string): void {
  const database = new BetterSqlite3(file);
  database.exec('CREATE TABLE account (number TEXT)');
  database.prepare('INSERT INTO account VALUES (?)').run(number);
  database.close();
}

interface Root {
  readonly paths: Paths;
  readonly backup: (file?: string) => ReturnType<typeof takeBackup>;
  readonly restore: (file: string) => ReturnType<typeof restoreBackup>;
  readonly read: <T>(look: (store: Store) => T) => T;
}

function rootAt(path = temporaryDirectory()): Root {
  const paths = pathsAt(path, path);
  return {
    paths,
    backup: (file) => takeBackup({ paths, file, now: BACKUP_AT, timezone: 'Europe/Berlin' }),
    restore: (file) => restoreBackup({ paths, file, now: NOW, timezone: 'Europe/Berlin', accounts }),
    read: (look) => {
      const store = openStore(paths.database);
      try {
        return look(store);
      } finally {
        store.close();
      }
    },
  };
}

/** A root with a group, its memory and its session. */
function usedRoot(fill: (store: Store) => void = () => undefined): Root {
  const root = rootAt();
  const { paths } = root;
  mkdirSync(join(paths.group('family'), 'logs'), { recursive: true });
  writeFileSync(join(paths.group('family'), 'CLAUDE.md'), 'remember');
  writeFileSync(join(paths.group('family'), 'logs', 'container-1.log'), 'a log');
  mkdirSync(paths.groupSessions('family'), { recursive: true });
  writeFileSync(join(paths.groupSessions('family'), 'talk.jsonl'), '{}');
  writeFileSync(paths.env, 'ANTHROPIC_API_KEY=sk-secret');
  root.read((store) => {
    store.groups.add(FAMILY, 0);
    fill(store);
  });
  return root;
}

async function namesIn(file: string): Promise<readonly string[]> {
  const names: string[] = [];
  await list({ file, onReadEntry: (entry) => void names.push(entry.path) });
  return names;
}

/** All that a backup holds, as text. */
function textOf(file: string): string {
  return gunzipSync(readFileSync(file)).toString('latin1');
}

describe('a backup', () => {
  it('holds database, account, groups and sessions, not logs and keys, and is readable by its owner alone', async () => {
    const root = usedRoot();
    account(root.paths.whatsappDatabase, '491511');
    const report = await root.backup();
    expect(await namesIn(report.file)).toEqual([
      'backup.json',
      'store/whatsapp.db',
      'store/messages.db',
      'groups/family/',
      'groups/family/CLAUDE.md',
      'data/sessions/family/',
      'data/sessions/family/talk.jsonl',
      'backup.end',
    ]);
    expect(statSync(report.file).mode & 0o777).toBe(0o600);
    expect(textOf(report.file)).not.toMatch(/sk-secret|a log/);
    expect(readdirSync(join(root.paths.data, 'backups'))).toEqual(['nanoclaw-2026-05-31-140000.tar.gz']);
    expect(formatBackup(report)).toMatch(/Not in it: \.env/);
  });

  it('overwrites no file, and names the next step where there is nothing yet', async () => {
    const root = usedRoot();
    const file = join(root.paths.root, 'mine.tar.gz');
    await root.backup(file);
    await expect(root.backup(file)).rejects.toThrow(/exists already\. Give the backup another name/);
    await expect(rootAt().backup()).rejects.toThrow(/Pair first/);
  });

  it('removes a day later what a kill left of an earlier one', async () => {
    const root = usedRoot();
    const backups = join(root.paths.data, 'backups');
    mkdirSync(join(backups, '.nanoclaw-unfinished-1'), { recursive: true });
    writeFileSync(join(backups, '.nanoclaw-unfinished-2'), 'keys');
    utimesSync(join(backups, '.nanoclaw-unfinished-1'), 0, 0);
    utimesSync(join(backups, '.nanoclaw-unfinished-2'), BACKUP_AT / 1_000, BACKUP_AT / 1_000);
    await root.backup();
    expect(readdirSync(backups)).toEqual(['.nanoclaw-unfinished-2', expect.stringMatching(/^nanoclaw-2026/)]);
  });

  it('follows no link, opens no pipe, and does not read a sparse file of terabytes', async () => {
    const root = usedRoot();
    const outside = temporaryDirectory();
    writeFileSync(join(outside, 'secret'), 'the secret of another');
    const folder = root.paths.group('family');
    symlinkSync(outside, join(folder, 'directory'));
    symlinkSync(join(outside, 'secret'), join(folder, 'file'));
    await promisify(execFile)('mkfifo', [join(folder, 'pipe')]);
    writeFileSync(join(folder, 'hole'), '');
    truncateSync(join(folder, 'hole'), 2 * 1024 ** 4);
    writeFileSync(Buffer.concat([Buffer.from(join(folder, 'x')), Buffer.from([0xff])]), 'x');
    let deep = folder;
    for (let n = 0; n < 130; n++) {
      deep = join(deep, 'd');
      mkdirSync(deep);
    }
    const report = await root.backup();
    expect(textOf(report.file)).not.toContain('the secret of another');
    const left = report.leftOut.map(({ name, reason }) => `${name.slice(0, 30)}: ${reason}`);
    expect(left.toSorted()).toEqual([
      expect.stringMatching(/^groups\/family\/d\/d.*: deeper than 128 directories/),
      'groups/family/directory: a link',
      'groups/family/file: a link',
      'groups/family/hole: most of it is a hole',
      'groups/family/pipe: no plain file',
      'groups/family/x\ufffd: its name is not UTF-8',
    ]);
    expect((await checkArchive(report.file)).hasAccount).toBe(false);
  });

  it('holds the groups’ folders even where their owner put them elsewhere, by a link', async () => {
    const root = usedRoot();
    const elsewhere = join(temporaryDirectory(), 'groups');
    renameSync(root.paths.groups, elsewhere);
    symlinkSync(elsewhere, root.paths.groups);
    expect(await namesIn((await root.backup()).file)).toContain('groups/family/CLAUDE.md');
  });

  it('ignores links to the assistant’s own skills, which each turn recreates', async () => {
    const root = usedRoot();
    const skills = join(root.paths.groupSessions('family'), '.claude', 'skills');
    mkdirSync(skills, { recursive: true });
    symlinkSync('/app/skills/reminders', join(skills, 'reminders'));
    symlinkSync('/elsewhere', join(skills, '..', 'other'));
    const { leftOut } = await root.backup();
    expect(leftOut.map(({ name }) => name)).toEqual(['data/sessions/family/.claude/other']);
  });

  it('stays in a directory that is replaced by a link during the backup', async () => {
    const { paths } = usedRoot();
    const outside = temporaryDirectory();
    writeFileSync(join(outside, 'secret'), '');
    const inner = join(paths.group('family'), 'inner');
    mkdirSync(inner);
    writeFileSync(join(inner, 'own'), '');
    const names: string[] = [];
    for await (const { name } of treeOf(paths.groups)) {
      names.push(name);
      if (name !== 'family/inner') continue;
      renameSync(inner, `${inner}.away`);
      symlinkSync(outside, inner);
    }
    expect(names).toContain('family/inner/own');
    expect(names).not.toContain('family/inner/secret');
  });

  it('is whole although a file shrinks or grows during the backup', async () => {
    const directory = temporaryDirectory();
    const target = join(directory, 'b.tar.gz');
    const archive = new ArchiveWriter(await open(target, 'wx'));
    await archive.begin(NOW);
    await archive.addText('store/messages.db', 'x');
    for (const size of [10, 900_000]) {
      const path = join(directory, `f${size}`);
      writeFileSync(path, Buffer.alloc(500_000, 'a'));
      const file = await open(path);
      const stats = await file.stat();
      truncateSync(path, size);
      expect(await archive.addFile(`groups/f${size}`, stats, file)).toBe(size > 500_000);
      await file.close();
    }
    await archive.end();
    await checkArchive(target);
  });
});

describe('a restore', () => {
  it('replaces the state of a root, and keeps the old one', async () => {
    const root = usedRoot();
    const { file } = await root.backup();
    writeFileSync(join(root.paths.group('family'), 'CLAUDE.md'), 'forgotten');
    root.read((store) => store.groups.remove(FAMILY.jid));
    mkdirSync(root.paths.ipcClaimed, { recursive: true });
    writeFileSync(join(root.paths.ipcClaimed, 'claim'), 'done once');
    const { aside, account: outcome } = await root.restore(file);
    expect(readFileSync(join(root.paths.group('family'), 'CLAUDE.md'), 'utf8')).toBe('remember');
    expect(root.read((store) => store.groups.inFolder('family'))).toMatchObject({ jid: FAMILY.jid });
    expect(readFileSync(join(aside ?? '', 'groups/family/CLAUDE.md'), 'utf8')).toBe('forgotten');
    expect(existsSync(join(aside ?? '', 'store/messages.db'))).toBe(true);
    expect(existsSync(root.paths.ipcClaimed)).toBe(false);
    expect(outcome).toEqual({ kind: 'none' });
    expect(readdirSync(root.paths.data).filter((name) => name.startsWith('restore'))).toEqual([]);
  });

  it('keeps both old states when it is done twice in a second', async () => {
    const root = usedRoot();
    const { file } = await root.backup();
    const first = await root.restore(file);
    const second = await root.restore(file);
    expect(second.aside).toBe(`${first.aside}-2`);
    expect(existsSync(join(second.aside ?? '', 'groups/family/CLAUDE.md'))).toBe(true);
  });

  it('is finished by the next start, before anything is opened, when it was interrupted after its decisive step', async () => {
    const root = usedRoot();
    const { paths } = root;
    const ready = join(paths.data, 'restore-1.tmp');
    mkdirSync(join(ready, NEW, 'groups', 'new'), { recursive: true });
    mkdirSync(join(ready, NEW, 'store'), { recursive: true });
    openStore(join(ready, NEW, 'store', 'messages.db')).close();
    await commitSwap(paths, ready, { aside: 'data/before', account: false });
    const instance = await openInstance(
      loadBaseConfig({ NANOCLAW_ROOT: paths.root, HOME: paths.root }),
      silentLog,
    );
    expect(instance.store.groups.all()).toEqual([]);
    instance.close();
    expect(readdirSync(paths.groups).toSorted()).toEqual(['global', 'new']);
    expect(readdirSync(join(paths.data, 'before', 'groups'))).toEqual(['family']);
  });

  it('closes all open work: nothing old is sent, answered or run', async () => {
    const text = { kind: 'text', text: 'old' } as const;
    const task = { folder: 'family', chatJid: FAMILY.jid, prompt: 'p', script: null } as const;
    const more = { contextMode: 'group', status: 'active', createdAt: '' } as const;
    const root = usedRoot((store) => {
      store.groups.add(MAIN, 0);
      store.messages.add(newMessage({ id: 'call', isTrigger: true }));
      store.messages.add(newMessage({ id: 'file', chatJid: FAMILY.jid }));
      const attachment = { kind: 'voice', reference: '{}' } as const;
      store.attachments.add({ chatJid: FAMILY.jid, senderJid: MAIN.jid, id: 'file' }, [attachment], NOW);
      store.outbox.add({ chatJid: MAIN.jid, message: text, source: 'reply' }, 0);
      store.outbox.beginSend(
        store.outbox.add({ chatJid: FAMILY.jid, message: text, source: 'notice' }, 0),
        'W',
      );
      store.runs.startChat(
        { id: 'r1', folder: 'main', chatJid: MAIN.jid, attempt: 1, firstSeq: 1, lastSeq: 1 },
        0,
      );
      const schedule = (id: string, scheduleType: 'once' | 'cron', scheduleValue: string, nextRun: number) =>
        store.tasks.add({ ...task, ...more, id, scheduleType, scheduleValue, nextRun: iso(nextRun) });
      schedule('missed', 'once', iso(NOW - HOUR), NOW - HOUR);
      schedule('later', 'once', iso(NOW + HOUR), NOW + HOUR);
      schedule('daily', 'cron', '0 9 * * *', NOW - HOUR);
      const run = { id: 'r2', folder: 'family', chatJid: FAMILY.jid, attempt: 1, notBefore: 0 };
      store.runs.queueTask({ ...run, taskId: 'daily', slot: 's' }, 0);
      const claim = {
        folder: 'family',
        runId: undefined,
        requestId: undefined,
        result: { ok: true },
      } as const;
      store.claims.add({ ...claim, claimId: 'c', operation: 'message', changed: true }, 0);
    });
    const report = await root.restore((await root.backup()).file);
    expect(report.closed).toEqual({
      outbox: 2,
      runs: 2,
      chats: 1,
      missedTasks: 1,
      movedTasks: 1,
      attachments: 1,
    });
    root.read((store) => {
      expect(store.outbox.heads()).toEqual([]);
      expect(store.outbox.findByWireId('W')?.status).toBe('unknown');
      expect(store.messages.waiting()).toEqual([]);
      expect([store.runs.queued(), store.runs.running()]).toEqual([[], []]);
      expect(store.attachments.waiting()).toEqual([]);
      expect(store.tasks.due(NOW)).toEqual([]);
      expect(store.tasks.find('missed')).toMatchObject({ status: 'completed' });
      expect(store.tasks.find('later')).toMatchObject({ status: 'active', nextRun: iso(NOW + HOUR) });
      expect(store.tasks.find('daily')?.nextRun).toBe('2026-06-02T07:00:00.000Z');
      expect(store.claims.find('c')).toBeDefined();
    });
    const words = formatRestore(report, 'Europe/Berlin');
    expect(words).toMatch(/messages to be sent: 2\n {2}chats that waited for an answer: 1\n/);
  });

  it('keeps the account that is linked in the root, and uses the backup’s where there is none', async () => {
    const source = usedRoot();
    account(source.paths.whatsappDatabase, '491511');
    const { file } = await source.backup();
    const kept = await source.restore(file);
    expect(kept.account).toEqual({ kind: 'kept', number: '491511', backupNumber: '491511' });
    const database = new BetterSqlite3(source.paths.whatsappDatabase, { readonly: true });
    expect(database.prepare('SELECT * FROM account').all()).toEqual([{ number: '491511' }]);
    database.close();
    const fresh = rootAt();
    expect((await fresh.restore(file)).account.kind).toBe('restored');
    const copy = new BetterSqlite3(fresh.paths.whatsappDatabase, { readonly: true });
    expect(copy.prepare('SELECT * FROM account').all()).toEqual([{ number: '491511', fresh: null }]);
    copy.close();
  });

  it('is refused while a host runs, and names it', async () => {
    const root = usedRoot();
    const { file } = await root.backup();
    const lock = HostLock.acquire(root.paths.hostLock, 4711);
    await expect(root.restore(file)).rejects.toThrow(/process 4711/);
    lock.release();
  });

  it('changes nothing when the backup is cut off, not one, newer, or leads elsewhere', async () => {
    const root = usedRoot();
    const good = readFileSync((await root.backup()).file);
    const directory = temporaryDirectory();
    const before = readFileSync(root.paths.database);
    const write = (name: string, content: Buffer): string => {
      writeFileSync(join(directory, name), content);
      return join(directory, name);
    };
    const broken = Buffer.from(good);
    broken.fill(0, good.length >> 1, (good.length >> 1) + 20);
    const made = async (entries: (archive: ArchiveWriter) => Promise<void>): Promise<string> => {
      const file = join(directory, `${Math.random()}.tar.gz`);
      const archive = new ArchiveWriter(await open(file, 'wx'));
      await entries(archive);
      await archive.end();
      return file;
    };
    const newer = join(directory, 'newer.db');
    openStore(newer).close();
    const sql = new BetterSqlite3(newer);
    sql.pragma('journal_mode = DELETE');
    sql.pragma('user_version = 99');
    sql.close();
    const links = join(directory, 'links');
    mkdirSync(join(links, 'groups'), { recursive: true });
    writeFileSync(join(links, 'backup.json'), '{"format":1,"createdAt":""}');
    symlinkSync('/etc', join(links, 'groups', 'x'));
    const linked = join(directory, 'linked.tar.gz');
    await create({ file: linked, gzip: true, cwd: links }, ['backup.json', 'groups/x']);
    for (const [file, words] of [
      [write('cut', good.subarray(0, good.length - 30)), /no whole backup: .*Nothing was changed/],
      [write('broken', broken), /no whole backup/],
      [write('none', Buffer.from('not at all'.repeat(1_000))), /no whole backup/],
      [join(directory, 'nowhere'), /cannot be read/],
      [linked, /no whole backup: there is a SymbolicLink in it/],
      [await made((archive) => archive.addText('store/messages.db', '')), /not made by/],
      [
        await made((archive) => archive.addText('backup.json', '{"format":2,"createdAt":""}')),
        /end is missing/,
      ],
      [
        await made(async (archive) => {
          await archive.addText('backup.json', '{"format":2,"createdAt":""}');
          await archive.addText('store/messages.db', '');
        }),
        /made by a newer version of NanoClaw/,
      ],
      [
        await made(async (archive) => {
          await archive.begin(0);
          await archive.addText('groups/../../outside', '');
          await archive.addText('store/messages.db', '');
        }),
        /leads elsewhere/,
      ],
      [
        await made(async (archive) => {
          await archive.begin(0);
          await archive.addText('.env', '');
        }),
        /has no place here/,
      ],
      [
        await made(async (archive) => {
          await archive.begin(0);
          const handle = await open(newer);
          await archive.addFile('store/messages.db', await handle.stat(), handle);
          await handle.close();
        }),
        /schema 99, this version knows \d+; run the newer version/,
      ],
      [
        await made(async (archive) => {
          await archive.begin(0);
          await archive.addText('store/messages.db', 'no database '.repeat(1_000));
        }),
        /cannot be used .*Nothing was changed/,
      ],
    ] as const)
      await expect(root.restore(file), file).rejects.toThrow(words);
    expect(readFileSync(root.paths.database).equals(before)).toBe(true);
    expect(readdirSync(root.paths.data).toSorted()).toEqual(['backups', 'sessions']);
  });
});
