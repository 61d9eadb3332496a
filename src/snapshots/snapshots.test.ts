import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, testStore } from '../../test/support/test-store.ts';
import { scaffoldGroup } from '../groups/group-folders.ts';
import { pathsAt } from '../paths.ts';
import { GroupsSnapshot } from '../protocol/host-files.ts';
import { Snapshots } from './snapshots.ts';

async function rig() {
  const root = temporaryDirectory();
  const paths = pathsAt(root);
  const store = testStore(root);
  store.groups.add(MAIN, 0);
  store.groups.add(FAMILY, 0);
  store.chats.note({ jid: FAMILY.jid, name: 'Family', isGroup: true, lastActivity: 1 });
  store.chats.note({ jid: 'work@g.us', name: 'Work', isGroup: true, lastActivity: 2 });
  for (const [id, folder] of [
    ['t1', 'main'],
    ['t2', 'family'],
  ] as const) {
    const task = {
      id,
      folder,
      chatJid: 'x',
      prompt: id,
      script: null,
      scheduleType: 'once',
      scheduleValue: 'x',
    } as const;
    store.tasks.add({
      ...task,
      contextMode: 'group',
      nextRun: '2026-01-01T00:00:00.000Z',
      status: 'active',
      createdAt: id,
    });
  }
  await scaffoldGroup(paths, 'main', 'Main');
  await scaffoldGroup(paths, 'family', 'Family');
  const read = (folder: string, file: string): unknown =>
    JSON.parse(readFileSync(join(paths.groupIpc(folder), file), 'utf8'));
  return { root, paths, store, snapshots: new Snapshots(store, paths), read };
}

describe('snapshots', () => {
  it('show main all tasks and groups', async () => {
    const { snapshots, read } = await rig();
    await snapshots.write(MAIN);
    expect(read('main', 'current_tasks.json')).toMatchObject([
      { id: 't1' },
      { id: 't2', groupFolder: 'family' },
    ]);
    const { groups } = GroupsSnapshot.parse(read('main', 'available_groups.json'));
    expect(groups.map(({ name, isRegistered }) => [name, isRegistered])).toEqual([
      ['Work', false],
      ['Family', true],
    ]);
  });

  it('show main the number of members of a group, and their names where it is active', async () => {
    const { store, snapshots, read } = await rig();
    store.chats.note({ jid: 'work@g.us', name: 'Work', isGroup: true });
    store.chats.note({ jid: FAMILY.jid, name: 'Family', isGroup: true });
    const members = [
      { jid: MAIN.jid, name: 'Ann', isAdmin: true },
      { jid: '4915100000@s.whatsapp.net', isAdmin: false },
    ];
    store.members.replace(FAMILY.jid, members);
    store.members.replace('work@g.us', members);
    await snapshots.write(MAIN);
    const { groups } = read('main', 'available_groups.json') as { groups: { name: string }[] };
    expect(groups.find(({ name }) => name === 'Family')).toMatchObject({
      members: 2,
      memberNames: ['Ann', '4915100000@s.whatsapp.net'],
    });
    expect(groups.find(({ name }) => name === 'Work')).toMatchObject({ members: 2 });
    expect(groups.find(({ name }) => name === 'Work')).not.toHaveProperty('memberNames');
  });

  it('show tasks in the order of their next runs, with the names of their chats', async () => {
    const { store, snapshots, read } = await rig();
    store.tasks.change('t1', { nextRun: '2026-01-02T00:00:00.000Z' });
    await snapshots.write(MAIN);
    expect(read('main', 'current_tasks.json')).toMatchObject([
      { id: 't2', chatName: 'Family' },
      { id: 't1', chatName: 'Main' },
    ]);
    store.tasks.change('t2', { status: 'paused' });
    await snapshots.write(MAIN);
    expect(read('main', 'current_tasks.json')).toMatchObject([{ id: 't1' }, { id: 't2' }]);
  });

  it('show another group its own tasks and no groups', async () => {
    const { snapshots, read } = await rig();
    await snapshots.write(FAMILY);
    expect(read('family', 'current_tasks.json')).toMatchObject([{ id: 't2' }]);
    expect(read('family', 'available_groups.json')).toMatchObject({ groups: [] });
  });

  it('replace a link in their place, and leave its target alone', async () => {
    const { root, paths, snapshots, read } = await rig();
    const target = join(root, 'target');
    writeFileSync(target, 'precious');
    symlinkSync(target, join(paths.groupIpc('family'), 'current_tasks.json'));
    await snapshots.write(FAMILY);
    expect(readFileSync(target, 'utf8')).toBe('precious');
    expect(read('family', 'current_tasks.json')).toHaveLength(1);
  });

  it('have the newest content when they are requested many times at once', async () => {
    const { store, snapshots, read } = await rig();
    const writes: Promise<void>[] = [];
    for (let n = 0; n < 40; n++) {
      store.tasks.change('t2', { prompt: `version ${n}` });
      writes.push(snapshots.write(FAMILY));
    }
    await Promise.all(writes);
    expect(read('family', 'current_tasks.json')).toMatchObject([{ prompt: 'version 39' }]);
  });

  it('leave no temporary file behind', async () => {
    const { paths, snapshots } = await rig();
    await snapshots.write(MAIN);
    expect(readdirSync(paths.groupIpc('main')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('the results of requests', () => {
  it('answer a request, and are deleted when the sandbox has ended', async () => {
    const { paths, snapshots, read } = await rig();
    await snapshots.writeResult('family', 'req-1', { ok: true, taskId: 't9' });
    expect(read('family', 'results/req-1.json')).toEqual({ ok: true, taskId: 't9' });
    await snapshots.clearResults('family');
    expect(existsSync(join(paths.groupIpc('family'), 'results', 'req-1.json'))).toBe(false);
  });
});
