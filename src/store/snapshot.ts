import { closeSync, openSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { DatabaseError, damageIn, RESTORE } from './database.ts';

/** More pages than any database has: all in one step, so that whoever writes meanwhile makes no copy begin anew. */
const ALL_PAGES = 0x7fff_ffff;

/**
 * Copies a database as it is at one instant, while others may write to it, into one file without anything beside it.
 * @param target must not exist yet; only its owner may read it
 * @throws DatabaseError when the database is damaged, the system's or SQLite's error when it cannot be read
 */
export async function snapshotDatabase(file: string, target: string): Promise<void> {
  closeSync(openSync(target, 'wx', 0o600));
  const source = new BetterSqlite3(file, { readonly: true, fileMustExist: true });
  try {
    await source.backup(target, { progress: () => ALL_PAGES });
  } catch (error) {
    throw damageIn(file, error) ?? error;
  } finally {
    source.close();
  }
  const copy = new BetterSqlite3(target);
  try {
    // WAL would leave files beside it.
    copy.pragma('journal_mode = DELETE');
    const health = copy.pragma('quick_check(1)', { simple: true });
    if (health !== 'ok')
      throw new DatabaseError(`${file} is damaged: ${String(health).replaceAll('\n', ' ')}. ${RESTORE}`);
  } finally {
    copy.close();
  }
}
