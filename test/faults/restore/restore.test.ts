import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takeBackup } from '../../../src/operations/backup/backup.ts';
import { finishSwap } from '../../../src/operations/backup/swap.ts';
import { type Paths, pathsAt } from '../../../src/paths.ts';
import { openStore } from '../../../src/store/store.ts';
import { forEachStep, runStep, type StepEnd } from '../../support/killed-steps.ts';
import { compile } from '../../support/program.ts';
import { FAMILY } from '../../support/test-store.ts';
import type { RestoreOrder } from './main.ts';
import { restore } from './restore.ts';

const TIMEOUT_MS = 300_000;
const NOW = Date.UTC(2026, 5, 1);

let directory: string;
let programs: string;
let program: string;
let file: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nanoclaw-test-'));
  programs = await compile({ restore: 'test/faults/restore/main.ts' });
  program = join(programs, 'restore.mjs');
  fill(rootNamed('source'), 'new');
  file = join(directory, 'backup.tar.gz');
  await takeBackup({ paths: rootNamed('source'), file, now: NOW, timezone: 'UTC' });
  fill(rootNamed('old'), 'old');
}, TIMEOUT_MS);

afterAll(async () => {
  for (const path of [directory, programs]) await rm(path, { recursive: true, force: true });
});

function rootNamed(name: string): Paths {
  const root = join(directory, name);
  return pathsAt(root, root);
}

/** Everything in it says the same word. */
function fill(paths: Paths, word: string): void {
  for (const path of [paths.group('family'), paths.groupSessions('family'), paths.ipcClaimed]) {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'word'), word);
  }
  const store = openStore(paths.database);
  store.groups.add({ ...FAMILY, name: word }, 0);
  store.close();
  // A host that was killed leaves its database so.
  if (word === 'old') for (const side of ['-wal', '-shm']) writeFileSync(`${paths.database}${side}`, '');
  const account = new BetterSqlite3(paths.whatsappDatabase);
  account.exec(`CREATE TABLE word (value); INSERT INTO word VALUES ('${word}')`);
  account.close();
}

/** What a root says, in all of its places; `nothing` where nothing is. */
function wordsOf(paths: Paths, at = paths.root): Readonly<Record<string, string>> {
  const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : 'nothing');
  const ask = (database: string, sql: string): unknown => {
    if (!existsSync(database)) return 'nothing';
    const sqlite = new BetterSqlite3(database);
    const word = sqlite.prepare(sql).pluck().get();
    sqlite.close();
    return word;
  };
  const there = pathsAt(at, at);
  return {
    group: read(join(there.group('family'), 'word')),
    session: read(join(there.groupSessions('family'), 'word')),
    claimed: read(join(there.ipcClaimed, 'word')),
    messages: String(ask(there.database, 'SELECT name FROM registered_groups')),
    account: String(ask(there.whatsappDatabase, 'SELECT value FROM word')),
  };
}

const OLD = { group: 'old', session: 'old', claimed: 'old', messages: 'old', account: 'old' };
const RESTORED = { group: 'new', session: 'new', claimed: 'nothing', messages: 'new', account: 'new' };

const NOTHING = {
  group: 'nothing',
  session: 'nothing',
  claimed: 'nothing',
  messages: 'nothing',
  account: 'nothing',
};

function restoring(paths: Paths, at: number): Promise<StepEnd> {
  return runStep(program, [JSON.stringify({ root: paths.root, file, now: NOW, at } satisfies RestoreOrder)]);
}

it.each([
  ['over an old state', OLD],
  ['in an empty root', NOTHING],
])(
  'a restore %s that is killed at any step has happened or not, whole, and can be repeated',
  async (_, before) => {
    const begin = (name: string): Paths => {
      const paths = rootNamed(name);
      if (before === OLD) cpSync(rootNamed('old').root, paths.root, { recursive: true });
      else mkdirSync(paths.root);
      return paths;
    };
    const whole = begin('whole');
    const end = await restoring(whole, 0);
    expect(wordsOf(whole)).toEqual(RESTORED);
    const steps = end.kind === 'done' ? Number(end.said) : 0;
    expect(steps).toBeGreaterThan(40);
    rmSync(whole.root, { recursive: true });
    const seen = { before: 0, after: 0 };
    await forEachStep(steps, async (step) => {
      const paths = begin(`at-${step}`);
      expect((await restoring(paths, step)).kind, `step ${step}`).toBe('killed');
      // As the next start does.
      await finishSwap(paths);
      const words = wordsOf(paths);
      const happened = words.messages === 'new';
      expect(words, `step ${step}`).toEqual(happened ? RESTORED : before);
      if (happened && before === OLD) {
        const [aside = ''] = readdirSync(paths.data).filter((name) => name.startsWith('before-restore'));
        expect(wordsOf(paths, join(paths.data, aside)), `step ${step}`).toEqual(OLD);
      }
      seen[happened ? 'after' : 'before'] += 1;
      await restore(paths.root, file, NOW + 60_000);
      expect(wordsOf(paths), `step ${step}`).toEqual(RESTORED);
      expect(readdirSync(paths.data).filter((name) => /^restore/.test(name))).toEqual([]);
      rmSync(paths.root, { recursive: true });
    });
    expect(Math.min(seen.before, seen.after)).toBeGreaterThan(5);
  },
  TIMEOUT_MS,
);
