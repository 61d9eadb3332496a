import { chmodSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { PACKAGE_ROOT, sharedDirectory } from '../test/support/sandbox.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { temporaryDirectory } from '../test/support/temporary.ts';
import { prepareDirectories } from './agent/directories.ts';
import { writeInput } from './agent/input-dir.ts';
import { prepareProjectView } from './agent/project-view.ts';
import { AGENT_USER } from './agent/runtime/agent-user.ts';
import { checkReachable, checkReadable } from './agent/runtime/reachable.ts';
import { loadBaseConfig } from './config.ts';
import { scaffoldGroup } from './groups/group-folders.ts';
import { openInstance } from './instance.ts';
import { readStatus } from './operations/status.ts';
import { lockedBy } from './store/host-lock.ts';
import { lookInto } from './store/store.ts';

it('the status of a host that is still starting tells nothing of the connection of an earlier host', async () => {
  const root = temporaryDirectory();
  const config = loadBaseConfig({ NANOCLAW_ROOT: root, HOME: root });
  const before = await openInstance(config, silentLog);
  const { paths } = before;
  const status = () =>
    lookInto(paths.database, (store) => {
      const holder = lockedBy(paths.hostLock);
      return readStatus(store, holder?.pid ?? null, 0, [], '2.3000.1', holder?.start);
    });
  expect(await status()).toMatchObject({ hostPid: process.pid, line: 'starting' });
  before.store.state.set('line', 'open');
  before.store.state.set('line:since', '2026-01-01T08:00:00.000Z');
  expect(await status()).toMatchObject({ line: 'open', lineSince: '2026-01-01T08:00:00.000Z' });
  const start = lockedBy(paths.hostLock)?.start;
  before.close();
  expect(await status()).toMatchObject({ hostPid: null, line: 'not running', lineSince: null });
  // As while the next one has the lock and has not opened its database yet.
  const early = await lookInto(paths.database, (store) => readStatus(store, 1, 0, [], '2.3000.1', 'another'));
  expect(early).toMatchObject({ line: 'starting', lineSince: null });
  const after = await openInstance(config, silentLog);
  expect(lockedBy(paths.hostLock)?.start).not.toBe(start);
  const { line, lineSince } = (await status()) ?? {};
  expect(line).toBe('starting');
  expect(lineSince).not.toBe('2026-01-01T08:00:00.000Z');
  after.close();
});

it.skipIf(process.getuid?.() !== 0)(
  'a root host’s folders can be reached by the sandbox’s user, whatever the umask and the root’s own mode are',
  async () => {
    const before = process.umask(0o077);
    try {
      const root = join(sharedDirectory(), 'root');
      await mkdir(root);
      const { paths, close } = await openInstance(
        loadBaseConfig({ NANOCLAW_ROOT: root, HOME: root }),
        silentLog,
      );
      onTestFinished(close);
      await scaffoldGroup(paths, 'family', 'Family');
      await prepareDirectories(paths, { groupFolder: 'family', isMain: false }, AGENT_USER, silentLog);
      const ipc = paths.groupIpc('family');
      await writeInput(join(ipc, 'input'), 'a.json', '{}', {});
      await prepareProjectView(paths, PACKAGE_ROOT, '/workspace/project');
      for (const path of [
        paths.group('family'),
        join(paths.groupSessions('family'), '.claude'),
        paths.runEnv,
        join(paths.globalGroup, 'CLAUDE.md'),
        join(paths.groupLogs('family'), 'x.log'),
        join(paths.groupAttachments('family'), 'x.jpg'),
        join(ipc, 'results', 'x.json'),
        join(ipc, 'input', 'a.json'),
        join(paths.projectView, 'README.md'),
      ])
        await expect(checkReachable(path, AGENT_USER)).resolves.toBeUndefined();
      for (const path of [join(ipc, 'input', 'a.json'), join(paths.projectView, 'README.md')])
        await expect(checkReadable(path, AGENT_USER)).resolves.toBeUndefined();
      const modes = [root, paths.groups, paths.data].map((path) => [
        statSync(path).mode & 0o777,
        statSync(path).gid,
      ]);
      expect(modes).toEqual([0o710, 0o750, 0o710].map((mode) => [mode, AGENT_USER.gid]));
      expect(statSync(paths.store).mode & 0o777).toBe(0o700);
    } finally {
      process.umask(before);
    }
  },
);

it('the folders of a root are closed to other users of the machine, those of an earlier host too, and the root’s parents stay', async () => {
  const parent = sharedDirectory();
  const root = join(parent, 'root');
  for (const name of ['.', 'groups', 'data', 'logs', 'store']) {
    await mkdir(join(root, name), { recursive: true });
    chmodSync(join(root, name), 0o777);
  }
  const { close } = await openInstance(loadBaseConfig({ NANOCLAW_ROOT: root, HOME: root }), silentLog);
  onTestFinished(close);
  const mode = (path: string): number => statSync(path).mode & 0o777;
  for (const name of ['groups', 'data', 'logs', 'store'])
    expect(mode(join(root, name)) & 0o007, name).toBe(0);
  expect([mode(parent), mode(root)]).toEqual([0o755, 0o777]);
});
