import { lstat, readFile, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MailboxResult } from '../protocol/host-files.ts';
import type { Mailbox } from './mailbox.ts';
import { FAMILY_JID, MAIN_JID, Rig, SEEN_JID } from './testing/rig.ts';

const CLUB = { type: 'register_group', jid: SEEN_JID, name: 'Club', folder: 'club', trigger: '@Andy' };

let rig: Rig;
let mailbox: Mailbox;
let sync: () => Promise<number>;
beforeEach(async () => {
  rig = await Rig.open();
  sync = async () => 0;
  mailbox = rig.mailbox({ syncGroups: () => sync(), timings: { groupRefreshTimeoutMs: 50 } });
});
afterEach(() => rig.close());

async function ask(folder: string, file: Record<string, unknown>): Promise<MailboxResult> {
  await rig.drop(folder, { ...file, requestId: 'r' }, 'tasks');
  await mailbox.drain(folder);
  return rig.result(folder, 'r');
}

describe('register_group', () => {
  it('register_group of main registers a group that has its directories at once', async () => {
    expect(await ask('main', { ...CLUB, isMain: true })).toEqual({ ok: true, folder: 'club' });
    expect(rig.store.groups.inFolder('club')).toMatchObject({ jid: SEEN_JID, isMain: false });
    expect((await lstat(rig.directory('club'))).isDirectory()).toBe(true);
    expect(rig.store.groups.main()).toMatchObject({ jid: MAIN_JID });
  });

  it('register_group of main changes how an active group works, and leaves its directories alone', async () => {
    const { name, folder } = rig.store.groups.find(FAMILY_JID) ?? {};
    const asked = {
      type: 'register_group',
      jid: FAMILY_JID,
      name,
      folder,
      containerConfig: { provider: 'kimi' },
    };
    await rm(rig.paths.group('family'), { recursive: true, force: true });
    expect(await ask('main', asked)).toEqual({ ok: true, folder: 'family' });
    expect(rig.store.groups.find(FAMILY_JID)?.containerConfig).toEqual({ provider: 'kimi' });
    await expect(lstat(rig.paths.group('family'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await ask('family', { ...asked, containerConfig: {} })).toMatchObject({ ok: false });
    expect(rig.store.groups.find(FAMILY_JID)?.containerConfig).toEqual({ provider: 'kimi' });
  });

  it('register_group of main grants no directory to write and no network, tells what was held, and tells the owner', async () => {
    const containerConfig = {
      network: 'none',
      additionalMounts: [{ hostPath: '~/notes' }, { hostPath: '/srv/host', readonly: false }],
    };
    expect(await ask('main', { ...CLUB, containerConfig })).toEqual({
      ok: true,
      folder: 'club',
      held: ['additionalMounts[1]: read-write', 'network: none'],
      hint: './nanoclaw groups set club --mount /srv/host:rw --network none',
    });
    expect(rig.store.groups.inFolder('club')?.containerConfig).toEqual({
      additionalMounts: [{ hostPath: '~/notes' }, { hostPath: '/srv/host', readonly: true }],
    });
    const [notice, ...more] = rig.takeOutbox();
    expect(notice).toMatchObject({ chatJid: MAIN_JID, source: 'notice' });
    expect(notice?.message).toMatchObject({
      text:
        'ℹ️ In Club I can read from now on: ~/notes, /srv/host, as far as mount-allowlist.json permits.\n' +
        'Held back; only you can allow it: ./nanoclaw groups set club --mount /srv/host:rw --network none',
    });
    expect(more).toEqual([]);
    expect(await ask('main', { ...CLUB, containerConfig: { additionalMounts: [] } })).toMatchObject({
      ok: true,
    });
    expect(rig.texts()).toEqual(['ℹ️ In Club I can read from now on: no directory of this computer.']);
    expect(await ask('main', CLUB)).toEqual({ ok: true, folder: 'club' });
    expect(rig.texts()).toEqual([]);
  });

  it('register_group of main cannot open the network of a chat that its owner closed, by a detour neither', async () => {
    const network = () => rig.store.groups.find(FAMILY_JID)?.containerConfig.network;
    const family = rig.store.groups.find(FAMILY_JID);
    if (family === undefined) throw new Error('no family');
    rig.store.groups.changeSettings({ ...family, containerConfig: { network: 'none' } });
    const asked = { ...CLUB, jid: FAMILY_JID, name: 'Family', folder: 'family' };
    await ask('main', { ...asked, containerConfig: {} });
    expect(network()).toBe('none');
    await ask('main', { type: 'unregister_group', jid: FAMILY_JID });
    await ask('main', { ...asked, folder: 'other', containerConfig: { network: 'open' } });
    expect(network()).toBe('none');
    await ask('main', { type: 'unregister_group', jid: FAMILY_JID });
    await ask('main', { ...CLUB, folder: 'family' });
    expect(rig.store.groups.inFolder('family')).toMatchObject({
      jid: SEEN_JID,
      containerConfig: { network: 'none' },
    });
  });

  it.each([
    ['a group', 'family', {}, 'Only the main channel'],
    ['main with a path for a folder', 'main', { folder: '../club' }, 'cannot be a group'],
    ['main with a reserved folder', 'main', { folder: 'results' }, 'cannot be a group'],
    ['main with a folder in use', 'main', { folder: 'Family' }, 'in use'],
    ["main with main's folder", 'main', { folder: 'main' }, 'belongs to the main channel'],
    ['main for a chat that is registered', 'main', { jid: FAMILY_JID, folder: 'other' }, 'active already'],
  ])('register_group of %s is refused and leaves no directory', async (_, folder, more, words) => {
    const before = rig.store.groups.all();
    expect(await ask(folder, { ...CLUB, ...more })).toEqual({
      ok: false,
      error: expect.stringContaining(words),
    });
    expect(rig.store.groups.all()).toEqual(before);
    await expect(lstat(rig.paths.group('club'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(lstat(rig.paths.group('other'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('unregister_group', () => {
  it('unregister_group of main unregisters a group, whose files are then not processed', async () => {
    expect(await ask('main', { type: 'unregister_group', jid: FAMILY_JID })).toEqual({
      ok: true,
      folder: 'family',
    });
    await rig.drop('family', { type: 'message', chatJid: FAMILY_JID, text: 'still here?' });
    await mailbox.drain('family');
    expect(rig.takeOutbox()).toEqual([]);
    expect(await rig.reasons('family')).toEqual(['no registered group has this folder']);
  });

  it.each([
    ['a group', 'family', FAMILY_JID, 'Only the main channel'],
    ['main for itself', 'main', MAIN_JID, 'main channel cannot'],
    ['main for a chat that is not registered', 'main', SEEN_JID, 'not active'],
  ])('unregister_group of %s is refused', async (_, folder, jid, words) => {
    const result = await ask(folder, { type: 'unregister_group', jid });
    expect(result).toEqual({ ok: false, error: expect.stringContaining(words) });
    expect(rig.store.groups.all()).toHaveLength(3);
  });
});

describe('refresh_groups', () => {
  const answered = (folder: string): Promise<MailboxResult> => rig.result(folder, 'r');

  async function drop(folder: string): Promise<void> {
    await rig.drop(folder, { type: 'refresh_groups', requestId: 'r' }, 'tasks');
    await mailbox.drain(folder);
  }

  it('is answered when WhatsApp has answered, with a fresh list', async () => {
    sync = async () => {
      rig.store.chats.note({ jid: 'new@example', name: 'New', isGroup: true });
      return 1;
    };
    await drop('main');
    await expect.poll(() => answered('main')).toEqual({ ok: true, groups: 1 });
    const groups = await readFile(`${rig.paths.groupIpc('main')}/available_groups.json`, 'utf8');
    expect(groups).toContain('new@example');
    await expect.poll(() => rig.claims('main')).toEqual([]);
  });

  it('lets other files pass meanwhile and asks WhatsApp once for all that wait', async () => {
    let asked = 0;
    let answer: (count: number) => void = () => undefined;
    sync = () => {
      asked += 1;
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    mailbox = rig.mailbox({ syncGroups: () => sync() });
    await drop('main');
    await drop('main');
    await rig.message('main', 'not blocked');
    await mailbox.drain('main');
    expect(rig.texts()).toEqual(['not blocked']);
    expect(await rig.claims('main')).toHaveLength(2);
    answer(3);
    await expect.poll(() => rig.claims('main')).toEqual([]);
    expect(asked).toBe(1);
  });

  it('is answered with an error while WhatsApp is disconnected', async () => {
    sync = () => Promise.reject(new Error('no line'));
    await drop('main');
    await expect
      .poll(() => answered('main'))
      .toMatchObject({ ok: false, error: expect.stringMatching(/line/) });
  });

  it('is answered with an error when WhatsApp never answers', async () => {
    sync = () => new Promise(() => undefined);
    await drop('main');
    await expect
      .poll(() => answered('main'))
      .toMatchObject({ ok: false, error: expect.stringMatching(/time/) });
  });

  it('is repeated after the next start when a stop interrupts it', async () => {
    sync = () => new Promise(() => undefined);
    mailbox = rig.mailbox({ syncGroups: () => sync() });
    await drop('main');
    await mailbox.stop();
    expect(await rig.claims('main')).toHaveLength(1);
    sync = async () => 5;
    await rig.mailbox({ syncGroups: () => sync() }).start();
    await expect.poll(() => answered('main')).toEqual({ ok: true, groups: 5 });
  });

  it('is refused for a group without a request to WhatsApp', async () => {
    sync = () => Promise.reject(new Error('must not be asked'));
    await drop('family');
    expect(await answered('family')).toMatchObject({
      ok: false,
      error: expect.stringContaining('Only the main channel'),
    });
  });
});
