import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { testStore } from '../../test/support/test-store.ts';
import { Addresses } from '../channel/whatsapp/addresses.ts';
import { CredentialsStore } from '../channel/whatsapp/credentials-store.ts';
import { Journal } from '../channel/whatsapp/journal.ts';
import { Uploads } from '../channel/whatsapp/uploads.ts';
import { systemClock } from '../clock.ts';

/** What reads all rows of a table, sorts, or walks a whole chat, and why that is right. Looked for in a statement. */
type Allowed = readonly (readonly [statement: RegExp, reason: string])[];

const STORE: Allowed = [
  [/^SELECT 1 FROM sqlite_schema/, 'at the start'],
  [/FROM pragma_table_info/, 'at the start'],
  [/FROM sqlite_schema WHERE type = 'index'/, 'at the start'],
  [/FROM chats WHERE is_group = 1 ORDER BY/, 'the list of all group chats, by its index'],
  [/^SELECT \* FROM \(SELECT seq.* LIMIT @limit\) ORDER BY seq$/, 'sorts the messages of one prompt'],
  [/^WITH first AS MATERIALIZED/, 'one row for each registered chat'],
  [/^SELECT MAX\(seq\) AS seq FROM messages/, 'from the end, to the first that fits'],
  [/FROM attachments a JOIN messages m .* json_each/, 'sorts the files of one prompt'],
  [/OVER \(PARTITION BY chat_jid/, 'only what waits to be fetched'],
  [/^UPDATE attachments SET status = 'failed'.* WHERE status = 'waiting'/, 'only what waits to be fetched'],
  [/WHERE a\.status = 'saved' AND a\.file IS NOT NULL/, 'only what is kept, once a second at most'],
  [/FROM registered_groups ORDER BY/, 'all registered chats'],
  [/^SELECT g\.jid, m\.timestamp FROM registered_groups/, 'one row for each registered chat'],
  [/^SELECT \(SELECT group_concat\(jid\) FROM registered_groups/, 'one row for each registered chat'],
  [/SELECT MAX\(seq\) FROM messages WHERE chat_jid = @jid AND timestamp/, 'an operator moves a cursor'],
  [
    /FROM scheduled_tasks WHERE typeof\(id\) <> 'text' OR status IS NULL OR/,
    'all tasks, when another program has written',
  ],
  [/^UPDATE registered_groups SET trigger_pattern = \? WHERE trigger_pattern/, 'all registered chats'],
  [/FROM group_members WHERE chat_jid = \?/, 'the members of one group'],
  [/^SELECT DISTINCT chat_jid AS jid FROM group_members/, 'with each list of all groups: once a day'],
  [/FROM sessions ORDER BY/, 'for ./nanoclaw sessions'],
  [/FROM scheduled_tasks WHERE typeof\(id\) = 'text' ORDER BY created_at/, 'all tasks, for the owner'],
  [
    /FROM scheduled_tasks WHERE typeof\(id\) = 'text' AND status = 'active' AND next_run/,
    'sorts the tasks that are due',
  ],
  [/^SELECT MIN\(r\.queued_at\) AS at/, 'from the end, a limited number of runs'],
  [/^SELECT o\.seq, r\.first_seq AS firstSeq/, 'from the end, a limited number'],
  [
    /FROM runs WHERE kind = 'chat' AND chat_jid = @jid AND first_seq <= @first/,
    'sorts the tries of one turn',
  ],
  [/FROM follow_ups WHERE run_id = \? ORDER BY seq/, 'sorts the follow-ups of one run'],
  [/FROM usage INDEXED BY usage_by_time/, 'sums of one day, for ./nanoclaw status'],
  [/WHERE seq IN \(SELECT MIN\(seq\) FROM outbox/, 'only what is to be sent'],
  [/^UPDATE outbox SET status = CASE status/, 'only what is to be sent'],
  [/^UPDATE outbox INDEXED BY outbox_open/, 'only what is to be sent to one chat'],
  [/^SELECT \(SELECT COUNT\(\*\) FROM outbox INDEXED BY outbox_open/, 'only what is to be sent to one chat'],
  [/payload ->> '\$\.path' AS path FROM outbox/, 'only what is to be sent'],
  [/^SELECT status, COUNT\(\*\) AS count FROM outbox/, 'for ./nanoclaw status'],
  [/FROM messages WHERE chat_jid IN \(SELECT jid FROM chats WHERE is_group/, 'a step for each group chat'],
  [/gone\.chat_jid IN \(SELECT jid FROM chats WHERE is_group/, 'a step for each group chat'],
  [/^SELECT 1 FROM chats WHERE jid = @from UNION ALL/, 'the first row that is found'],
  [/(?:gone\.)?chat_jid = @from|chat_jid IN \(@from, @to\)/, 'a chat is merged once'],
  [/UPDATE messages SET is_trigger = 0, is_context = 1 WHERE chat_jid = @to/, 'a chat is merged once'],
];

const WHATSAPP: Allowed = [
  [/FROM stanzas/, 'only what is on its way, 5,000 at most'],
  [/^DELETE FROM plaintexts WHERE at/, '10,000 at most, once in a thousand messages'],
  [/aside_/, 'another account is linked'],
];

it.each([
  ['the store', openAllOfStore, STORE],
  ['the WhatsApp database', useAllOfWhatsApp, WHATSAPP],
])('no statement of %s reads more rows with every row, but those that are allowed to', (_, use, allowed) => {
  const statements = statementsOf(use);
  expect(statements.size).toBeGreaterThan(15);
  const slow = [...statements].filter(([, plan]) => plan.some(growsWithTheTable));
  const isAllowed = (statement: string) => allowed.some(([pattern]) => pattern.test(statement));
  expect(slow.filter(([statement]) => !isAllowed(statement))).toEqual([]);
  const stale = allowed.filter(([pattern]) => !slow.some(([statement]) => pattern.test(statement)));
  expect(stale.map(([pattern]) => String(pattern))).toEqual([]);
});

/** A step of a plan that reads a whole table or chat, sorts, or makes an index of its own. */
function growsWithTheTable(step: string): boolean {
  if (/^SCAN (?:\(subquery-\d+\)|CONSTANT ROW|first|queue|r|found)$/.test(step)) return false;
  // A chat that seldom triggers has most of its messages behind its cursor.
  if (/ messages_by_chat \(chat_jid=\? AND seq/.test(step)) return true;
  return /^SCAN |TEMP B-TREE|AUTOMATIC|\((?:chat_jid|type)=\?\)$/.test(step) && !/FOR DISTINCT/.test(step);
}

/** The plan of each statement that is prepared meanwhile. */
function statementsOf(use: () => void): ReadonlyMap<string, readonly string[]> {
  const { prototype } = BetterSqlite3;
  const { prepare } = prototype;
  const plans = new Map<string, readonly string[]>();
  const spy = vi.spyOn(prototype, 'prepare').mockImplementation(function (
    this: BetterSqlite3.Database,
    source: string,
  ) {
    const statement = source.replaceAll(/\s+/g, ' ').trim();
    if (/^(?:SELECT|INSERT|UPDATE|DELETE|WITH)/.test(statement) && !plans.has(statement))
      plans.set(
        statement,
        planOf((text) => prepare.call(this, text), source),
      );
    return prepare.call(this, source);
  });
  onTestFinished(() => spy.mockRestore());
  use();
  spy.mockRestore();
  return plans;
}

function planOf(prepare: (source: string) => BetterSqlite3.Statement, source: string): readonly string[] {
  const bare = source.replaceAll(/'[^']*'/g, '');
  const names = [...bare.matchAll(/@(\w+)/g)].map(([, name]) => [name, null]);
  const values = [...bare.matchAll(/\?/g)].map(() => null);
  const explained = prepare(`EXPLAIN QUERY PLAN ${source}`);
  const steps = names.length > 0 ? explained.all(Object.fromEntries(names)) : explained.all(...values);
  return steps.map((step) => (step as { readonly detail: string }).detail);
}

/** The store prepares all that it asks when it is opened. */
function openAllOfStore(): void {
  testStore();
}

function useAllOfWhatsApp(): void {
  const file = join(temporaryDirectory(), 'whatsapp.db');
  const store = CredentialsStore.open(file);
  onTestFinished(() => store.close());
  const { database } = store;
  const journal = new Journal(database, systemClock, silentLog);
  const digest = Buffer.from('digest');
  journal.enter('message', digest, { tag: 'message', attrs: {} });
  journal.keepPlaintext(digest, 'message', digest);
  journal.plaintext(digest);
  for (const { seq } of journal.entries()) {
    journal.countTry(seq);
    journal.discountTry(seq);
  }
  journal.settle('message');
  journal.flush();
  const uploads = new Uploads(database, systemClock);
  uploads.save('id', {});
  uploads.find('id');
  const addresses = new Addresses(database, systemClock);
  addresses.save('id', 'address');
  addresses.find('id');
  void store.keys.get('session', ['id']);
  void store.keys.set({ session: { id: digest, gone: null } });
  store.save(store.creds);
  store.markGreeted();
  expect(store.greeted).toBe(true);
  store.learnNumber('1', '2');
  store.numberOf('3');
  store.lidOf('3');
  store.layAside(1);
}
