import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect } from 'vitest';
import { takeBackup } from '../../../src/operations/backup/backup.ts';
import { finishSwap } from '../../../src/operations/backup/swap.ts';
import { type Paths, pathsAt } from '../../../src/paths.ts';
import { openStore } from '../../../src/store/store.ts';
import { forEachStep, runStep, type StepChoice, type StepEnd, stepsOf } from '../../support/killed-steps.ts';
import { memoryDisk } from '../../support/memory-disk.ts';
import { testProgram } from '../../support/program.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { FAMILY } from '../../support/test-store.ts';
import type { RestoreOrder } from './main.ts';
import { restore } from './restore.ts';

const NOW = Date.UTC(2026, 5, 1);

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

/** Into what a backup is restored. */
export const STATES = { 'over an old state': OLD, 'in an empty root': NOTHING } as const;
export type State = keyof typeof STATES;

export interface KilledRestores {
  /** Before which steps the processes were killed. */
  readonly struck: readonly string[];
  /** How many of the restores had not happened when they were killed, and how many had. */
  readonly before: number;
  readonly after: number;
}

/**
 * Kills restores, one before each of the chosen steps, and restores again.
 * @throws AssertionError when one has happened in part, or cannot be repeated
 */
export async function killRestores(state: State, isChosen: StepChoice): Promise<KilledRestores> {
  // A killed process loses nothing that is in memory, and syncs cost nothing there.
  const directory = temporaryDirectory(memoryDisk());
  const rootNamed = (name: string): Paths => pathsAt(join(directory, name), join(directory, name));
  fill(rootNamed('source'), 'new');
  const file = join(directory, 'backup.tar.gz');
  await takeBackup({ paths: rootNamed('source'), file, now: NOW, timezone: 'UTC' });
  fill(rootNamed('old'), 'old');
  const begin = (name: string): Paths => {
    const paths = rootNamed(name);
    if (state === 'over an old state') cpSync(rootNamed('old').root, paths.root, { recursive: true });
    else mkdirSync(paths.root);
    return paths;
  };
  const restoring = ({ root }: Paths, at: number): Promise<StepEnd> =>
    runStep(testProgram('restore'), { root, file, now: NOW, at } satisfies RestoreOrder);

  const whole = begin('whole');
  const steps = stepsOf(await restoring(whole, 0));
  expect(wordsOf(whole)).toEqual(RESTORED);
  const seen = { before: 0, after: 0 };
  const struck = await forEachStep(steps, isChosen, async (step) => {
    const paths = begin(`at-${step}`);
    const end = await restoring(paths, step);
    if (end.kind !== 'killed') throw new Error(`step ${step}: it was not killed`);
    const where = `step ${step}, ${end.before}`;
    // As the next start does.
    await finishSwap(paths);
    const words = wordsOf(paths);
    const hasHappened = words.messages === 'new';
    expect(words, where).toEqual(hasHappened ? RESTORED : STATES[state]);
    if (hasHappened && state === 'over an old state') {
      const [aside = ''] = readdirSync(paths.data).filter((name) => name.startsWith('before-restore'));
      expect(wordsOf(paths, join(paths.data, aside)), where).toEqual(OLD);
    }
    seen[hasHappened ? 'after' : 'before'] += 1;
    await restore(paths.root, file, NOW + 60_000);
    expect(wordsOf(paths), where).toEqual(RESTORED);
    expect(
      readdirSync(paths.data).filter((name) => /^restore/.test(name)),
      where,
    ).toEqual([]);
    rmSync(paths.root, { recursive: true });
    return end.before;
  });
  return { struck, ...seen };
}
