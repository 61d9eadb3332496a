import { mkdir, open, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { wordsOf } from '../channel/channel.ts';
import { HOUR } from '../clock.ts';
import { scaffoldGroup } from '../groups/group-folders.ts';
import { registerGroup } from '../groups/registration.ts';
import { checkClaims } from './claim-check.ts';
import { MailboxError } from './errors.ts';
import { type BlindWatcher, blindWatch } from './testing/blind-watcher.ts';
import { FAMILY_JID, MAIN_JID, Rig, SEEN_JID } from './testing/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.open();
});
afterEach(() => rig.close());

const PATIENT = { interval: 20 };
const NEVER_MS = 3_600_000;

describe('the watcher', () => {
  it('reports a file that arrives after the start', async () => {
    await rig.mailbox({ timings: { mailboxRescanMs: NEVER_MS } }).start();
    await rig.message('family', 'one');
    await vi.waitFor(() => expect(rig.texts()).toEqual(['one']), PATIENT);
    await rig.drop('work', { type: 'pause_task', taskId: 'none', requestId: 'r' }, 'tasks');
    await vi.waitFor(async () => expect(await rig.result('work', 'r')).toMatchObject({ ok: false }), PATIENT);
  });

  it('reports a file written by hand, without a rename', async () => {
    await rig.mailbox({ timings: { mailboxRescanMs: NEVER_MS } }).start();
    const text = JSON.stringify({ type: 'message', chatJid: FAMILY_JID, text: 'by hand' });
    await writeFile(join(rig.directory('family'), 'x.json'), `${text}\n`);
    await vi.waitFor(() => expect(rig.texts()).toEqual(['by hand']), PATIENT);
  });

  it('reports a file that a person puts into data/ipc/messages or data/ipc/tasks, which counts as main’s', async () => {
    await rig.mailbox({ timings: { mailboxRescanMs: NEVER_MS } }).start();
    await rig.drop('', { type: 'message', chatJid: FAMILY_JID, text: 'from main', groupFolder: 'work' });
    await vi.waitFor(() => expect(rig.texts()).toEqual(['from main']), PATIENT);
    const group = { jid: SEEN_JID, name: 'Club', folder: 'club', trigger: '@Andy' };
    await rig.drop('', { type: 'register_group', requestId: 'r', ...group }, 'tasks');
    await vi.waitFor(async () => expect(await rig.result('main', 'r')).toMatchObject({ ok: true }), PATIENT);
    expect(rig.store.groups.inFolder('club')).toMatchObject({ jid: SEEN_JID });
    expect(await rig.waiting('')).toEqual([]);
  });

  it('follows a group that is registered later', async () => {
    const mailbox = rig.mailbox({ timings: { mailboxRescanMs: NEVER_MS } });
    rig.store.bells.on('groups', () => mailbox.followGroups());
    await mailbox.start();
    const jid = SEEN_JID;
    await rig.drop(
      'main',
      { type: 'register_group', jid, name: 'Club', folder: 'club', trigger: '@Andy' },
      'tasks',
    );
    await vi.waitFor(() => expect(rig.store.groups.inFolder('club')).toBeDefined(), PATIENT);
    await vi.waitFor(async () => {
      await rig.drop('club', { type: 'message', chatJid: jid, text: 'new here' });
      expect(rig.texts()).toContain('new here');
    }, PATIENT);
  });

  it('costs one rescan when it is blind', async () => {
    await rig.mailbox({ timings: { mailboxRescanMs: 50 }, watch: blindWatch() }).start();
    for (let file = 0; file < 20; file += 1) await rig.message('family', `unseen ${file}`);
    const texts: string[] = [];
    await vi.waitFor(() => {
      texts.push(...rig.texts());
      expect(texts).toHaveLength(20);
    }, PATIENT);
  });

  it('warns once when it has no watches left, and the rescan finds the files', async () => {
    const watchers: BlindWatcher[] = [];
    await rig.mailbox({ timings: { mailboxRescanMs: 50 }, watch: blindWatch(watchers) }).start();
    const full = Object.assign(new Error('no space for watches'), { code: 'ENOSPC' });
    for (const watcher of watchers) watcher.emit('error', full);
    await rig.message('family', 'still found');
    await vi.waitFor(() => expect(rig.texts()).toEqual(['still found']), PATIENT);
    const warnings = rig.logged.filter(({ msg }) => String(msg).includes('cannot be watched'));
    expect(warnings).toMatchObject([{ fix: expect.stringContaining('max_user_watches') }]);
  });

  it('watches the directories of registered groups alone, and no longer those that were unregistered', async () => {
    const watchers: BlindWatcher[] = [];
    const open = (): string[] => watchers.flatMap(({ closed, paths }) => (closed ? [] : paths)).sort();
    const both = (folder: string): string[] => [rig.directory(folder), rig.directory(folder, 'tasks')];
    const mailbox = rig.mailbox({ timings: { mailboxRescanMs: NEVER_MS }, watch: blindWatch(watchers) });
    await mkdir(rig.directory('stranger'), { recursive: true });
    await mailbox.start();
    expect(open()).toEqual([...both('family'), ...both('main'), ...both(''), ...both('work')]);
    rig.store.groups.remove(FAMILY_JID);
    mailbox.followGroups();
    await vi.waitFor(() => expect(open()).toEqual([...both('main'), ...both(''), ...both('work')]), PATIENT);
    await mailbox.stop();
    expect(open()).toEqual([]);
  });

  it('reports its readiness, and files from before that are taken', async () => {
    const watchers: BlindWatcher[] = [];
    await rig.mailbox({ timings: { mailboxRescanMs: NEVER_MS }, watch: blindWatch(watchers) }).start();
    await rig.message('family', 'too early');
    for (const watcher of watchers) watcher.emit('ready');
    await vi.waitFor(() => expect(rig.texts()).toEqual(['too early']), PATIENT);
  });

  it('is closed while a folder has a backlog and opened again when that is done', async () => {
    const watchers: BlindWatcher[] = [];
    const mailbox = rig.mailbox({
      timings: { mailboxRescanMs: NEVER_MS },
      watch: blindWatch(watchers),
      limits: { backlog: 20 },
    });
    await mailbox.start();
    const ofFamily = (): boolean[] =>
      watchers.filter(({ paths }) => paths.includes(rig.directory('family'))).map(({ closed }) => closed);
    for (let file = 0; file < 60; file += 1) await rig.message('family', `${file}`);
    await mailbox.drain('family');
    expect(ofFamily()).toEqual([true, false]);
    expect(rig.texts()).toHaveLength(60);
  });

  it('watches a directory again that disappeared and was created again', async () => {
    const watchers: BlindWatcher[] = [];
    const mailbox = rig.mailbox({ timings: { mailboxRescanMs: NEVER_MS }, watch: blindWatch(watchers) });
    await mailbox.start();
    const before = watchers.length;
    watchers[0]?.emit('unlinkDir', watchers[0].paths[0]);
    mailbox.followGroups();
    await vi.waitFor(() => expect(watchers).toHaveLength(before + 1), PATIENT);
  });
});

describe('a half-written file', () => {
  it('is not bad as long as it changes, and takes effect when it is whole', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const mailbox = rig.mailbox({ timings: { mailboxSettleMs: 1_000, mailboxDrainMs: NEVER_MS } });
    const text = JSON.stringify({ type: 'message', chatJid: FAMILY_JID, text: 'slowly' });
    const file = await open(join(rig.directory('family'), 'x.json'), 'w');
    onTestFinished(() => file.close());
    await file.write(text.slice(0, 10));
    const drained = mailbox.drain('family');
    for (const part of [text.slice(10, 20), text.slice(20)]) {
      // One timer for the next look at the file, and one for the end of the drain.
      await expect.poll(() => vi.getTimerCount()).toBe(2);
      await file.write(part);
      vi.advanceTimersByTime(1_000);
    }
    await drained;
    expect(rig.texts()).toEqual(['slowly']);
    expect(await rig.quarantined('family')).toEqual([]);
  });

  it('is waited for by a drain, and bad when it stays as it is', async () => {
    await rig.drop('family', '{"type":"message",');
    await rig.mailbox().drain('family');
    expect(await rig.reasons('family')).toEqual(['is not JSON']);
  });

  it('is bad when it never stops changing', async () => {
    const mailbox = rig.mailbox({ timings: { mailboxSettleMs: 20 }, limits: { settleLooks: 3 } });
    await rig.drop('family', '{');
    const growing = setInterval(async () => {
      for (const id of await rig.claims('family')) {
        // It may have been put away since it was listed.
        await utimes(join(rig.paths.ipcClaimed, 'family', id), new Date(), Math.random() * 1e9).catch(
          (error: NodeJS.ErrnoException) => expect(error.code).toBe('ENOENT'),
        );
      }
    }, 2);
    try {
      await mailbox.drain('family');
    } finally {
      clearInterval(growing);
    }
    expect(await rig.quarantined('family')).toHaveLength(1);
  });

  it('does not delay a drain beyond its limit', async () => {
    const mailbox = rig.mailbox({ timings: { mailboxSettleMs: NEVER_MS, mailboxDrainMs: 10 } });
    await rig.drop('family', '{');
    await rig.message('family', 'whole');
    await mailbox.drain('family');
    expect(rig.texts()).toEqual(['whole']);
    expect(await rig.claims('family')).toHaveLength(1);
    expect(rig.logged.map(({ msg }) => msg)).toContain(
      'A mailbox file is still being written and is not waited for',
    );
  });

  it('delays the next files when there are many of it, until some have settled', async () => {
    const mailbox = rig.mailbox({ limits: { settlingFiles: 3 } });
    for (let file = 0; file < 10; file += 1) await rig.drop('family', '{');
    await rig.message('family', 'behind them');
    await mailbox.drain('family');
    expect(rig.texts()).toEqual(['behind them']);
    expect(await rig.quarantined('family')).toHaveLength(10);
  });
});

describe('a drain', () => {
  it('takes a folder’s files without any start, event or rescan', async () => {
    await rig.message('family', 'now');
    await rig.mailbox().drain('family');
    expect(rig.texts()).toEqual(['now']);
  });

  it('takes a folder’s files at once while a flood of another group is processed', async () => {
    const flood = 100;
    const file = JSON.stringify({ type: 'message', chatJid: FAMILY_JID, text: 'flood' });
    for (let count = 0; count < flood; count += 1) {
      await writeFile(join(rig.directory('family'), `${count}.json`), file);
    }
    const mailbox = rig.mailbox({
      timings: { mailboxRescanMs: NEVER_MS },
      watch: blindWatch(),
      limits: { batch: 2 },
    });
    const started = mailbox.start();
    await rig.message('work', 'drained');
    await mailbox.drain('work');
    expect(rig.store.outbox.heads().map(({ message }) => wordsOf(message))).toContain('drained');
    expect((await rig.waiting('family')).length).toBeGreaterThan(0);
    await started;
    expect(await rig.waiting('family')).toEqual([]);
    expect(rig.store.outbox.counts().get('queued')).toBe(flood + 1);
  });

  it('is shared: several at once take each file once', async () => {
    const mailbox = rig.mailbox();
    for (let file = 0; file < 50; file += 1) await rig.message('family', `${file}`);
    await Promise.all([mailbox.drain('family'), mailbox.drain('family'), mailbox.start()]);
    expect(rig.texts()).toHaveLength(50);
  });

  it('goes through more files than one listing holds', async () => {
    const mailbox = rig.mailbox({ limits: { listing: 7 } });
    for (let file = 0; file < 30; file += 1) await rig.message('family', `${file}`);
    await mailbox.drain('family');
    expect(rig.texts()).toHaveLength(30);
  });

  it('a drain of a stopped mailbox returns and takes nothing', async () => {
    const mailbox = rig.mailbox();
    await mailbox.stop();
    await rig.message('family', 'late');
    await mailbox.drain('family');
    expect(await rig.waiting('family')).toHaveLength(1);
  });
});

it('another group’s files are processed between the batches of a flood', async () => {
  const order: string[] = [];
  const { add } = rig.store.outbox;
  rig.store.outbox.add = (row, at) => {
    order.push(wordsOf(row.message));
    return add.call(rig.store.outbox, row, at);
  };
  for (let file = 0; file < 100; file += 1) await rig.message('family', 'flood');
  await rig.message('work', 'neighbour');
  await rig.mailbox({ timings: { mailboxRescanMs: NEVER_MS }, watch: blindWatch() }).start();
  expect(order).toHaveLength(101);
  expect(order.indexOf('neighbour')).toBeLessThanOrEqual(32);
});

describe('the start of a mailbox', () => {
  it('takes all waiting files of every folder', async () => {
    await rig.message('family', 'a');
    await rig.message('work', 'b');
    await rig.mailbox({ timings: { mailboxRescanMs: NEVER_MS }, watch: blindWatch() }).start();
    expect(rig.texts().sort()).toEqual(['a', 'b']);
  });

  it('leaves no file of its own behind', async () => {
    await rig.mailbox().start();
    expect(await rig.waiting('family')).toEqual([]);
    expect(await readdir(rig.paths.ipcClaimed)).toEqual([]);
  });

  it('fails and says why when files cannot be claimed by renaming', async () => {
    const acrossMounts = async (): Promise<void> => {
      throw Object.assign(new Error('cross-device link'), { code: 'EXDEV' });
    };
    const checked = checkClaims(rig.directory('family'), rig.paths.ipcClaimed, 'id', acrossMounts);
    await expect(checked).rejects.toThrow(MailboxError);
    await expect(checked).rejects.toThrow(/different filesystems or mounts/);
    expect(await rig.waiting('family')).toEqual([]);
  });

  it('ignores folders and names that an operator made up', async () => {
    await mkdir(join(rig.paths.ipc, 'messages'), { recursive: true });
    await mkdir(join(rig.paths.ipc, '..odd name'), { recursive: true });
    await writeFile(join(rig.paths.ipc, 'a-file'), '');
    const group = { jid: SEEN_JID, name: 'Odd', folder: 'odd', trigger: '@Andy' };
    registerGroup(rig.store, group, Date.now());
    await rig.message('family', 'a');
    await rig.mailbox().start();
    expect(rig.texts()).toEqual(['a']);
  });

  it('returns the same outcome when it is called twice or at once, and so does the stop', async () => {
    const mailbox = rig.mailbox();
    expect(mailbox.start()).toBe(mailbox.start());
    expect(mailbox.stop()).toBe(mailbox.stop());
    await mailbox.stop();
    await rig.message('family', 'late');
    mailbox.followGroups();
    expect(await rig.waiting('family')).toHaveLength(1);
  });
});

it('a start that is stopped in a flood ends after the current file, and the next start takes the rest', async () => {
  for (let file = 0; file < 100; file += 1) await rig.message('family', `${file}`);
  const mailbox = rig.mailbox();
  const started = mailbox.start();
  await vi.waitFor(() => expect(rig.store.outbox.counts().get('queued')).toBeGreaterThan(0), PATIENT);
  await mailbox.stop();
  await started;
  const taken = rig.texts().length;
  expect(taken + (await rig.waiting('family')).length + (await rig.claims('family')).length).toBe(100);
  await rig.mailbox().start();
  expect(taken + rig.texts().length).toBe(100);
});

describe('the directories data/ipc/messages and data/ipc/tasks', () => {
  it('are read when main is registered, and belong to the main channel wherever its folder is', async () => {
    rig.store.groups.remove(MAIN_JID);
    const mailbox = rig.mailbox({ timings: { mailboxRescanMs: NEVER_MS } });
    rig.store.bells.on('groups', () => mailbox.followGroups());
    await mailbox.start();
    await rig.drop('', { type: 'message', chatJid: FAMILY_JID, text: 'early' });
    await scaffoldGroup(rig.paths, 'boss', 'Boss');
    const boss = { jid: MAIN_JID, name: 'Boss', folder: 'boss', trigger: '@Andy', requiresTrigger: true };
    rig.store.groups.add({ ...boss, isMain: true, containerConfig: {} }, 0);
    await vi.waitFor(() => expect(rig.texts()).toEqual(['early']), PATIENT);
    await writeFile(join(rig.directory(''), 'bad.json'), '[]');
    await vi.waitFor(async () => expect(await rig.quarantined('boss')).toHaveLength(1), PATIENT);
    expect(await rig.reasons('boss')).toEqual(['is not a JSON object']);
  });

  it('are made again when they were removed, and a link in their place is not read', async () => {
    await mkdir(join(rig.root, 'elsewhere'));
    await writeFile(
      join(rig.root, 'elsewhere', 'x.json'),
      `{"type":"message","chatJid":"${FAMILY_JID}","text":"no"}`,
    );
    await symlink(join(rig.root, 'elsewhere'), rig.directory('', 'tasks'));
    await rig.mailbox({ timings: { mailboxRescanMs: 20 } }).start();
    const words = 'A mailbox is a link and is not read; put a directory in its place';
    await vi.waitFor(() => expect(rig.logged.map(({ msg }) => msg)).toContain(words), PATIENT);
    await rm(rig.directory(''), { recursive: true });
    await vi.waitFor(async () => expect(await readdir(rig.directory(''))).toEqual([]), PATIENT);
    expect(rig.texts()).toEqual([]);
  });

  it('are swept of what writers left half-written', async () => {
    await mkdir(rig.directory(''));
    await writeFile(join(rig.directory(''), 'old.tmp'), '{');
    await rig.mailbox({ clock: { now: () => Date.now() + 2 * HOUR } }).start();
    expect(await readdir(rig.directory(''))).toEqual([]);
  });
});
