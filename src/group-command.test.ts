import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { silentLog } from '../test/support/silent-log.ts';
import { temporaryDirectory } from '../test/support/temporary.ts';
import { FAMILY, testStore } from '../test/support/test-store.ts';
import { MountAllowlist } from './agent/mount-allowlist.ts';
import { formatGroupOutcome, type GroupChange, parseMount, setGroup } from './group-command.ts';

/** A chat, and a home with an allowlist that lets ~/notes be read and ~/code be written. */
async function rig() {
  const home = temporaryDirectory();
  for (const name of ['notes', 'code', 'private']) await mkdir(join(home, name));
  const file = join(home, 'mount-allowlist.json');
  const allowedRoots = [{ path: '~/notes' }, { path: '~/code', allowReadWrite: true }];
  await writeFile(file, JSON.stringify({ allowedRoots, nonMainReadOnly: false }));
  const store = testStore(temporaryDirectory());
  onTestFinished(() => store.close());
  store.groups.add({ ...FAMILY, containerConfig: { timeout: 5 } }, 0);
  const extraRoot = '/workspace/extra';
  const allowlist = new MountAllowlist({ file, home, log: silentLog, extraRoot, protectedPaths: [] });
  const config = () => store.groups.find(FAMILY.jid)?.containerConfig;
  return {
    home,
    config,
    set: (change: Partial<GroupChange>, folder = FAMILY.folder) =>
      setGroup(store, allowlist, folder, { mounts: [], unmount: [], ...change }),
  };
}

it('nanoclaw groups set grants directories and the network, and keeps the other settings', async () => {
  const { home, config, set } = await rig();
  const mounts = [parseMount('~/code:rw', '/'), parseMount('notes', home)];
  const outcome = await set({ mounts, network: 'none' });
  const words = [
    `rw /workspace/extra/code <- ${join(home, 'code')}`,
    `ro /workspace/extra/notes <- ${join(home, 'notes')}`,
  ];
  expect(outcome).toEqual({ folder: FAMILY.folder, name: FAMILY.name, network: 'none', mounts: words });
  expect(config()).toEqual({
    timeout: 5,
    network: 'none',
    additionalMounts: [
      { hostPath: '~/code', readonly: false },
      { hostPath: join(home, 'notes'), readonly: true },
    ],
  });
  expect(formatGroupOutcome(outcome)).toBe(
    `${FAMILY.name} (${FAMILY.folder}), from its next turn on:\n  ${words[0]}\n  ${words[1]}\n  network: none but the model`,
  );

  expect(parseMount('/srv/my code:rw', '/')).toEqual({
    ...{ hostPath: '/srv/my code', containerPath: 'my-code', readonly: false },
  });
  await set({ mounts: [parseMount('~/code', '/')], unmount: [join(home, 'notes')], network: 'open' });
  expect(config()).toEqual({
    timeout: 5,
    network: 'open',
    additionalMounts: [{ hostPath: '~/code', readonly: true }],
  });
});

it.each([
  ['a folder of no chat', {}, 'nobody', /No chat has the folder "nobody"/],
  [
    'a directory outside the allowlist',
    { mounts: [parseMount('~/private', '/')] },
    undefined,
    /allowed root/,
  ],
  [
    'a directory to write that may be read only',
    { mounts: [parseMount('~/notes:rw', '/')] },
    undefined,
    /only be read/,
  ],
  ['a directory that is not there', { mounts: [parseMount('~/none', '/')] }, undefined, /no such directory/],
  ['taking out what is not there', { unmount: ['/none'] }, undefined, /not among its directories: none/],
])('nanoclaw groups set refuses %s, and changes nothing', async (_, change, folder, words) => {
  const { config, set } = await rig();
  await expect(set({ network: 'none', ...change }, folder)).rejects.toThrow(words);
  expect(config()).toEqual({ timeout: 5 });
});
