import type BetterSqlite3 from 'better-sqlite3';

/** An open SQLite connection. */
export type Sql = BetterSqlite3.Database;
