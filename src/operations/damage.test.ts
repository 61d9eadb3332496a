import { closeSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, newMessage } from '../../test/support/test-store.ts';
import { inspectCredentials } from '../channel/whatsapp/credentials.ts';
import { CredentialsStore } from '../channel/whatsapp/credentials-store.ts';
import { type Paths, pathsAt } from '../paths.ts';
import { DatabaseError } from '../store/database.ts';
import { lookInto, openStore, type Store } from '../store/store.ts';
import { examine } from './doctor.ts';
import { formatGroups, formatSessions, formatTasks } from './lists.ts';
import { readStatus } from './status.ts';

const PAGE_BYTES = 4_096;

/** Overwrites pages, as a failing disk does. The first ones stay: SQLite opens the file. */
function damage(file: string, firstPage: number): void {
  const pages = Math.floor(statSync(file).size / PAGE_BYTES);
  expect(pages).toBeGreaterThan(firstPage);
  const descriptor = openSync(file, 'r+');
  for (let page = firstPage; page < pages; page += 1)
    writeSync(descriptor, Buffer.alloc(PAGE_BYTES, 0xa5), 0, PAGE_BYTES, page * PAGE_BYTES);
  closeSync(descriptor);
}

function damagedRoot(firstPage: number): Paths {
  const paths = pathsAt(temporaryDirectory());
  const store = openStore(paths.database);
  for (const group of [MAIN, FAMILY]) store.groups.add(group, 0);
  store.transaction(() => {
    for (let n = 0; n < 500; n += 1)
      store.messages.add(newMessage({ id: `${n}`, isTrigger: true, text: 'x'.repeat(500) }));
  });
  store.close();
  damage(paths.database, firstPage);
  return paths;
}

const findingsOf = (paths: Paths) =>
  examine({
    paths,
    nodeVersion: '20.19.0',
    now: Date.now(),
    timezone: 'UTC',
    agent: () => 'offline',
    account: () => inspectCredentials(paths.whatsappDatabase),
    version: () => ({ words: '2.3000.1', advice: undefined }),
    line: () => ({ hostPid: 1, line: 'open' }),
    sandbox: async () => [],
  });

it('the doctor finds a database that is damaged in the middle, and names the file and the fix', async () => {
  const paths = damagedRoot(60);
  // It opens, and what is read for most commands is sound.
  await lookInto(paths.database, (store) => expect(formatGroups(store)).toMatch(/Family/));
  expect(await findingsOf(paths)).toContainEqual({
    name: 'database',
    ok: false,
    detail: expect.stringContaining(`${paths.database} is damaged`),
    cure: expect.stringContaining('./nanoclaw restore'),
  });
});

it('the doctor says that a sound database is sound, and nothing of one that is not there yet', async () => {
  const paths = pathsAt(temporaryDirectory());
  const ofDatabase = async () => (await findingsOf(paths)).filter(({ name }) => name === 'database');
  expect(await ofDatabase()).toEqual([]);
  openStore(paths.database).close();
  expect(await ofDatabase()).toMatchObject([{ ok: true, detail: `${paths.database} is sound` }]);
});

it('damaged WhatsApp credentials are named by the doctor with their file and the fix', async () => {
  const paths = pathsAt(temporaryDirectory());
  mkdirSync(join(paths.root, 'store'));
  const credentials = CredentialsStore.open(paths.whatsappDatabase);
  const sessions = Array.from({ length: 200 }, (_, n) => [`${n}.0`, Buffer.alloc(500, n)]);
  await credentials.keys.set({ session: Object.fromEntries(sessions) });
  credentials.close();
  damage(paths.whatsappDatabase, 12);
  expect(await findingsOf(paths)).toContainEqual({
    name: 'account',
    ok: false,
    detail: expect.stringMatching(/whatsapp\.db cannot be opened.*\.\/nanoclaw restore/),
    cure: expect.any(String),
  });
});

it.each<[string, (store: Store) => unknown]>([
  ['status', (store) => readStatus(store, 1, 0, [], '2.3000.1')],
  ['groups', formatGroups],
  ['tasks', (store) => formatTasks(store, 'UTC')],
  ['sessions', formatSessions],
])('the command %s names the file and the fix when it meets a damaged page', async (_, command) => {
  const { database } = damagedRoot(3);
  const looked = lookInto(database, (store) => void command(store));
  await expect(looked).rejects.toThrow(DatabaseError);
  await expect(lookInto(database, (store) => void command(store))).rejects.toThrow(
    new RegExp(`^The database ${database} is damaged \\(.+\\)\\. .*\\./nanoclaw restore`),
  );
});
