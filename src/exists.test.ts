import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../test/support/temporary.ts';
import { testStore } from '../test/support/test-store.ts';
import { openCredentialsForReading } from './channel/whatsapp/credentials-database.ts';
import { versionInUse } from './channel/whatsapp/version.ts';
import { loadBaseConfig } from './config.ts';
import { exists, isReadable, NoAccessError } from './exists.ts';
import { examine } from './operations/doctor.ts';
import { type Paths, pathsAt } from './paths.ts';
import { problemsIn } from './store/database.ts';
import { HostLock, lockedBy } from './store/host-lock.ts';
import { lookInto } from './store/store.ts';

const ROOT = 0;
const NOBODY = 65_534;

/** Works as a user that may not look into the folder. */
async function locked<T>(folder: string, work: () => T): Promise<Awaited<T>> {
  const { mode } = statSync(folder);
  const isRoot = process.getuid?.() === ROOT;
  chmodSync(folder, isRoot ? 0o700 : 0);
  try {
    if (isRoot) process.seteuid?.(NOBODY);
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(ROOT);
    chmodSync(folder, mode);
  }
}

/** A root whose store a host has used. */
function usedRoot(): Paths {
  const root = temporaryDirectory();
  chmodSync(root, 0o755);
  const paths = pathsAt(root);
  testStore(root);
  mkdirSync(dirname(paths.hostLock), { recursive: true });
  HostLock.acquire(paths.hostLock, process.pid).release();
  writeFileSync(paths.whatsappDatabase, '');
  return paths;
}

describe('what another user owns', () => {
  it.each([
    ['the database, to read it', (paths: Paths) => lookInto(paths.database, () => undefined)],
    ['the database, to check it', (paths: Paths) => problemsIn(paths.database)],
    ['the credentials', (paths: Paths) => openCredentialsForReading(paths.whatsappDatabase)],
    ['the lock, to see who holds it', (paths: Paths) => lockedBy(paths.hostLock)],
    ['the database, to back it up', (paths: Paths) => exists(paths.database)],
    ['the version of WhatsApp Web', (paths: Paths) => versionInUse(paths.whatsappVersion, undefined)],
    ['the lock, to take it', (paths: Paths) => HostLock.acquire(paths.hostLock, 1)],
  ])('is not taken for absent when a command looks for %s', async (_, look) => {
    const paths = usedRoot();
    const seen = locked(paths.store, () => look(paths));
    await expect(seen).rejects.toThrow(NoAccessError);
    const again = locked(paths.store, () => look(paths));
    await expect(again).rejects.toThrow(/is not accessible to this user .*\n.*the user that owns it.*sudo/);
  });

  it('is told apart from what is not there', () => {
    const paths = pathsAt(temporaryDirectory());
    expect(isReadable(paths.database)).toBe(false);
    expect(lockedBy(paths.hostLock)).toBeUndefined();
  });

  it('is named by the doctor instead of advice to link an account or to start', async () => {
    const paths = usedRoot();
    const findings = await locked(paths.store, () =>
      examine({
        paths,
        nodeVersion: '20.19.0',
        now: 0,
        timezone: 'UTC',
        agent: () => 'offline',
        account: () => {
          openCredentialsForReading(paths.whatsappDatabase)?.close();
          return { status: 'absent' };
        },
        version: () => ({ words: '2.3000.1', advice: undefined }),
        line: () => ({ hostPid: lockedBy(paths.hostLock)?.pid ?? null, line: 'unknown' }),
        sandbox: async () => {
          mkdirSync(join(paths.store, 'self-test'));
          return [];
        },
      }),
    );
    const wrong = findings.filter(({ ok }) => !ok);
    expect(wrong.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['database', 'sandbox', 'account', 'line']),
    );
    expect(wrong.find(({ name }) => name === 'database')?.detail).toContain(paths.database);
    for (const { cure } of wrong) expect(cure).toMatch(/as the user that owns it|chmod u\+rwx/);
  });

  it('is named by every command where it is the .env', async () => {
    const root = temporaryDirectory();
    writeFileSync(`${root}/.env`, 'AGENT_PROVIDER=offline');
    await locked(root, () => {
      expect(() => loadBaseConfig({ NANOCLAW_ROOT: root })).toThrow(/is not accessible to this user .*sudo/);
    });
  });
});
