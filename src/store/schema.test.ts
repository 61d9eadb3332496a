import { createHash } from 'node:crypto';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import * as schemas from './schema.ts';
import { openStore } from './store.ts';

it('a released schema is never changed: later changes are a schema of their own', () => {
  const texts: Readonly<Record<string, string>> = schemas;
  const digests = Object.entries(texts).map(([name, text]) => [
    name,
    createHash('sha256').update(text).digest('hex').slice(0, 16),
  ]);
  expect(Object.fromEntries(digests)).toEqual({
    SCHEMA_1: 'c4aba15c01712d76',
    SCHEMA_2: 'dda0c1577cf177c6',
    SCHEMA_3: '61b54e36d4ec2104',
    SCHEMA_4: '94f566d37167928d',
    SCHEMA_5: '37cdefffb300ed36',
  });
});

it.each([
  ['without', ''],
  ['with', schemas.SCHEMA_4.replaceAll('IF NOT EXISTS', '')],
])('a database of schema 3 %s the later indexes has them after the upgrade', (_, indexes) => {
  const file = join(temporaryDirectory(), 'messages.db');
  const old = new BetterSqlite3(file);
  old.exec(schemas.SCHEMA_1 + schemas.SCHEMA_2 + schemas.SCHEMA_3 + indexes);
  old.pragma('user_version = 3');
  old.close();
  openStore(file).close();
  const upgraded = new BetterSqlite3(file, { readonly: true });
  const names = upgraded
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name")
    .pluck()
    .all();
  upgraded.close();
  expect(names).toEqual(expect.arrayContaining(['attachments_saved', 'outbox_by_chat']));
});

it('a database of schema 4 is upgraded although an operator has damaged the text of a message in it', () => {
  const file = join(temporaryDirectory(), 'messages.db');
  const old = new BetterSqlite3(file);
  old.exec(schemas.SCHEMA_1 + schemas.SCHEMA_2 + schemas.SCHEMA_3 + schemas.SCHEMA_4);
  const add = old.prepare(
    "INSERT INTO outbox (chat_jid, payload, source, status, created_at) VALUES ('1@g.us', ?, 'reply', 'sent', '2026')",
  );
  add.run('{not json');
  add.run('{"kind":"text","text":"x","quoted":{"id":"q"}}');
  old.pragma('user_version = 4');
  old.close();
  const store = openStore(file);
  store.outbox.eraseQuotes('1@g.us', 'q');
  store.close();
  const upgraded = new BetterSqlite3(file, { readonly: true });
  const payloads = upgraded.prepare('SELECT payload FROM outbox ORDER BY seq').pluck().all();
  upgraded.close();
  expect(payloads).toEqual(['{not json', '{"kind":"text","text":"x"}']);
});
