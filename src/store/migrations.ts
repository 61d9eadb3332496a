import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs';
import { copyFromV1, setV1TablesAside } from './adopt-v1.ts';
import { SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5 } from './schema.ts';
import type { Sql } from './sql.ts';

/** A step of the schema. Each runs in a transaction of its own; `user_version` names the last one that was done. */
interface Migration {
  readonly version: number;
  readonly up: (sql: Sql) => void;
}

const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    up: (sql) => {
      const adopted = setV1TablesAside(sql);
      sql.exec(SCHEMA_1);
      copyFromV1(sql, adopted);
    },
  },
  { version: 2, up: (sql) => sql.exec(SCHEMA_2) },
  { version: 3, up: (sql) => sql.exec(SCHEMA_3) },
  { version: 4, up: (sql) => sql.exec(SCHEMA_4) },
  { version: 5, up: (sql) => sql.exec(SCHEMA_5) },
];

/**
 * Brings a database to the newest schema. A database of an earlier system is copied to `<file>.v1` first.
 * @throws Error when the database is newer than this program
 */
export function migrate(sql: Sql, file: string): void {
  const current = Number(sql.pragma('user_version', { simple: true }));
  const newest = MIGRATIONS.at(-1)?.version ?? 0;
  if (current > newest) {
    throw new Error(
      `it has schema ${current}, this version knows ${newest}; run the newer version of NanoClaw`,
    );
  }
  if (current === 0 && hasTables(sql)) keepCopy(sql, `${file}.v1`);
  for (const migration of MIGRATIONS.filter(({ version }) => version > current)) {
    sql
      .transaction(() => {
        migration.up(sql);
        sql.pragma(`user_version = ${migration.version}`);
      })
      .immediate();
  }
}

function hasTables(sql: Sql): boolean {
  return sql.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' LIMIT 1").get() !== undefined;
}

/** A copy that a crash cut off is made again: only a whole one bears the name. */
function keepCopy(sql: Sql, file: string): void {
  if (existsSync(file)) return;
  const unfinished = `${file}.tmp`;
  for (const left of [unfinished, `${unfinished}-journal`]) rmSync(left, { force: true });
  sql.prepare('VACUUM INTO ?').run(unfinished);
  chmodSync(unfinished, 0o600);
  renameSync(unfinished, file);
}

/** @throws Error when a database is of another version than this program */
export function checkVersion(sql: Sql): void {
  const current = Number(sql.pragma('user_version', { simple: true }));
  const newest = MIGRATIONS.at(-1)?.version ?? 0;
  if (current !== newest) {
    throw new Error(
      `it has schema ${current}, this version knows ${newest}; start the assistant once with this version`,
    );
  }
}
