import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { type Paths, pathsAt } from '../../src/paths.ts';

/** Something that lies in a directory of the mailbox. */
export interface LyingFile {
  readonly name: string;
  /** Empty for what cannot be read, or has just gone. */
  readonly content: string;
}

/** What a host leaves on disk, read from outside. */
export class Root {
  readonly paths: Paths;

  constructor(directory: string) {
    this.paths = pathsAt(directory);
  }

  /** Looks into the database, beside the host. */
  read<T>(look: (database: BetterSqlite3.Database) => T): T {
    return readDatabase(this.paths.database, look);
  }

  /** Looks into a copy, so that whoever opens the database next finds it as the dead host left it. */
  async readCopy<T>(look: (database: BetterSqlite3.Database) => T): Promise<T> {
    const directory = await mkdtemp(join(tmpdir(), 'nanoclaw-faults-copy-'));
    try {
      const copy = join(directory, 'messages.db');
      for (const suffix of ['', '-wal']) {
        const file = `${this.paths.database}${suffix}`;
        if (existsSync(file)) await copyFile(file, `${copy}${suffix}`);
      }
      return readDatabase(copy, look);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Files of a group's mailbox that nobody has claimed yet. */
  waiting(folder: string): readonly LyingFile[] {
    const ipc = this.paths.groupIpc(folder);
    return ['messages', 'tasks'].flatMap((directory) => filesIn(join(ipc, directory), /\.json$/));
  }

  claimed(folder: string): readonly LyingFile[] {
    return filesIn(join(this.paths.ipcClaimed, folder));
  }

  quarantined(folder: string): readonly LyingFile[] {
    return filesIn(join(this.paths.ipcErrors, folder)).filter(({ name }) => !name.endsWith('.reason.json'));
  }

  /** What a group's scripted agents say that they dropped. */
  droppedByAgents(folder: string): readonly string[] {
    return contentOf(join(this.paths.group(folder), 'dropped.txt'))
      .split('\n')
      .filter((line) => line !== '');
  }
}

function readDatabase<T>(file: string, look: (database: BetterSqlite3.Database) => T): T {
  const database = new BetterSqlite3(file, { readonly: true, timeout: 5_000 });
  try {
    return look(database);
  } finally {
    database.close();
  }
}

function filesIn(directory: string, wanted = /./): readonly LyingFile[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => wanted.test(name))
    .map((name) => ({ name, content: contentOf(join(directory, name)) }));
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
