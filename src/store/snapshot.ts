import { closeSync, openSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';

/** More pages than any database has: all in one step, so that whoever writes meanwhile makes no copy begin anew. */
const ALL_PAGES = 0x7fff_ffff;

/**
 * Copies a database as it is at one instant, while others may write to it, into one file without anything beside it.
 * @param target must not exist yet; only its owner may read it
 * @throws Error when the database is not sound or cannot be read
 */
export async function snapshotDatabase(file: string, target: string): Promise<void> {
  closeSync(openSync(target, 'wx', 0o600));
  const source = new BetterSqlite3(file, { readonly: true, fileMustExist: true });
  try {
    await source.backup(target, { progress: () => ALL_PAGES });
  } finally {
    source.close();
  }
  const copy = new BetterSqlite3(target);
  try {
    // WAL would leave files beside it.
    copy.pragma('journal_mode = DELETE');
    const health = copy.pragma('quick_check(1)', { simple: true });
    if (health !== 'ok') throw new Error(`${file} is damaged: ${String(health)}`);
  } finally {
    copy.close();
  }
}
