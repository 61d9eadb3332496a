import BetterSqlite3 from 'better-sqlite3';

/** All that a database says: its version, its schema, and the rows of every table. */
export type Dump = Readonly<Record<string, unknown>>;

/** @throws Error when SQLite's own check finds something wrong */
export function dumpDatabase(file: string): Dump {
  const database = new BetterSqlite3(file, { readonly: true });
  try {
    const verdict = database.pragma('integrity_check', { simple: true });
    if (verdict !== 'ok') throw new Error(`${file}: ${String(verdict)}`);
    const schema = database
      .prepare<[], { type: string; name: string; sql: string | null }>(
        'SELECT type, name, sql FROM sqlite_schema ORDER BY type, name',
      )
      .all();
    const tables = schema.filter(({ type }) => type === 'table').map(({ name }) => name);
    return {
      version: database.pragma('user_version', { simple: true }),
      schema,
      ...Object.fromEntries(
        tables.map((name) => [name, database.prepare(`SELECT * FROM "${name}" ORDER BY 1, 2`).all()]),
      ),
    };
  } finally {
    database.close();
  }
}
