import { afterTrigger } from '../protocol/trigger.ts';
import type { Sql } from './sql.ts';

/** Takes over the tables of a NanoClaw v1 database, whatever of them its revision had. */

const V1_TABLES = [
  'chats',
  'messages',
  'registered_groups',
  'sessions',
  'scheduled_tasks',
  'task_run_logs',
  'router_state',
] as const;

function columnsOf(sql: Sql, table: string): readonly string[] {
  return sql
    .prepare<[string], { name: string }>('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map(({ name }) => name);
}

/** Renames the tables found to `v1_<name>` and drops their indexes, whose names the new schema may want. */
export function setV1TablesAside(sql: Sql): readonly string[] {
  const found = V1_TABLES.filter((table) => columnsOf(sql, table).length > 0);
  const indexes = sql
    .prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
    .all();
  for (const { name } of indexes) sql.exec(`DROP INDEX "${name}"`);
  sql.pragma('legacy_alter_table = ON');
  for (const table of found) sql.exec(`ALTER TABLE ${table} RENAME TO v1_${table}`);
  sql.pragma('legacy_alter_table = OFF');
  return found;
}

/** Copies the columns that both schemas have, in the order of time for messages, then drops what was set aside. */
export function copyFromV1(sql: Sql, tables: readonly string[]): void {
  for (const table of tables) {
    const old = new Set(columnsOf(sql, `v1_${table}`));
    const shared = columnsOf(sql, table).filter((column) => old.has(column) && column !== 'seq');
    const order = table === 'messages' ? 'ORDER BY timestamp, rowid' : '';
    const values = shared.map((column) => VALUES[`${table}.${column}`] ?? column).join(', ');
    sql.exec(`INSERT INTO ${table} (${shared.join(', ')}) SELECT ${values} FROM v1_${table} ${order}`);
  }
  if (tables.includes('chats')) sql.exec("UPDATE chats SET is_group = 1 WHERE jid LIKE '%@g.us'");
  if (tables.includes('registered_groups')) adoptMain(sql);
  if (tables.includes('router_state')) adoptCursors(sql);
  if (tables.includes('messages')) adoptCallsAndAnswers(sql);
  for (const table of tables) sql.exec(`DROP TABLE v1_${table}`);
}

/** What is copied where v1 allowed what the new schema does not. */
const VALUES: Readonly<Record<string, string>> = {
  'chats.is_group': 'COALESCE(is_group, 0)',
  'messages.sender': "COALESCE(sender, '')",
  'messages.content': "COALESCE(content, '')",
  'messages.timestamp': "COALESCE(timestamp, '')",
  'messages.is_from_me': 'COALESCE(is_from_me, 0)',
  'messages.is_bot_message': 'COALESCE(is_bot_message, 0)',
  // There is one main: the group in the folder `main`, else the first that was marked.
  'registered_groups.is_main':
    "rowid = (SELECT rowid FROM v1_registered_groups WHERE is_main = 1 ORDER BY folder <> 'main', rowid LIMIT 1)",
};

/** v1's main channel is the group in the folder `main`; it never needed a trigger. */
function adoptMain(sql: Sql): void {
  const main = sql.prepare('SELECT 1 FROM registered_groups WHERE is_main = 1').get();
  if (main === undefined) sql.exec("UPDATE registered_groups SET is_main = 1 WHERE folder = 'main'");
  sql.exec('UPDATE registered_groups SET requires_trigger = 0 WHERE is_main = 1');
}

/** v1 kept the time of each chat's last answered message; the cursor is the last row not newer than that. */
function adoptCursors(sql: Sql): void {
  const row = sql
    .prepare<[], { value: string }>("SELECT value FROM router_state WHERE key = 'last_agent_timestamp'")
    .get();
  if (row === undefined) return;
  const answered = parseObject(row.value);
  const insert = sql.prepare(
    `INSERT OR IGNORE INTO router_state (key, value)
     SELECT 'cursor:' || @jid, COALESCE(MAX(seq), 0) FROM messages WHERE chat_jid = @jid AND timestamp <= @timestamp`,
  );
  for (const [jid, timestamp] of Object.entries(answered)) {
    if (typeof timestamp === 'string') insert.run({ jid, timestamp });
  }
}

/** A value that an interrupted write or a hand left broken tells nothing: all messages of its chats wait again. */
function parseObject(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/**
 * Messages that still wait are looked at for the trigger of their group, and early v1's own answers, which it told only by
 * the name before them, for that.
 * @param where what else must hold of a message
 */
export function adoptCallsAndAnswers(sql: Sql, where = 'TRUE'): void {
  sql.function('is_triggered', { deterministic: true }, (content: string, trigger: string) =>
    afterTrigger(content, trigger) === undefined ? 0 : 1,
  );
  sql.exec(`
    UPDATE messages SET is_bot_message = 1 WHERE is_from_me = 1 AND is_bot_message = 0 AND ${where} AND EXISTS (
      SELECT 1 FROM registered_groups g WHERE content LIKE ltrim(g.trigger_pattern, '@') || ': %');
    UPDATE messages SET is_trigger = 1 WHERE is_bot_message = 0 AND ${where} AND EXISTS (
      SELECT 1 FROM registered_groups g WHERE g.jid = chat_jid
        AND is_triggered(content, g.trigger_pattern))`);
}
