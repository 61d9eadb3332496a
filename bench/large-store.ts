import BetterSqlite3 from 'better-sqlite3';
import { HOUR } from '../src/clock.ts';
import { openStore, type Store } from '../src/store/store.ts';
import type { Bench, Row } from './bench.ts';
import { median } from './support/statistics.ts';
import { temporaryRoot } from './support/temporary-root.ts';

const MESSAGES = 1_000_000;
const RUNS = 100_000;
const ANSWERS = 60_000;
const CHATS = 200;
const ATTACHMENTS = 100_000;
const ROUNDS = 50;
/** Milliseconds that a statement asked for each message may take. */
const LIMIT_MS = 5;

/** Half of all rows belong to this chat, which needs a trigger and has none among them. */
const BUSY = 'chat0@g.us';
/** In this one no trigger is needed, and all of its messages are context. */
const QUIET = 'chat1@g.us';
const SENDER = '49151000@s.whatsapp.net';

/** Undoes what was only measured. */
class OnlyMeasured extends Error {}

/** What the host asks the store for each message, run and answer, after years of use. */
export const largeStore: Bench = {
  name: 'large-store',
  shows: `what is asked for each message, with ${MESSAGES} messages, ${RUNS} runs and ${ANSWERS} answers`,
  limitMs: 300_000,
  run: async ({ cleanup, signal, note }) => {
    const { paths } = await temporaryRoot(cleanup);
    openStore(paths.database).close();
    fill(paths.database);
    const store = openStore(paths.database);
    cleanup.add(() => store.close());
    const rows: Row[] = [];
    for (const [label, ask] of questions(store)) {
      signal.throwIfAborted();
      const samples = Array.from({ length: ROUNDS }, () => timeOf(store, ask));
      rows.push({
        label: `${label}, median`,
        value: median(samples),
        unit: 'ms',
        n: ROUNDS,
        limit: LIMIT_MS,
      });
    }
    note('Writes are rolled back: the disk is not measured here, see `store`.');
    return rows;
  },
};

/** Milliseconds; whatever was written is rolled back. */
function timeOf(store: Store, ask: () => void): number {
  let elapsedMs = 0;
  try {
    store.transaction(() => {
      const startedAt = performance.now();
      ask();
      elapsedMs = performance.now() - startedAt;
      throw new OnlyMeasured();
    });
  } catch (error) {
    if (!(error instanceof OnlyMeasured)) throw error;
  }
  return elapsedMs;
}

function questions(store: Store): readonly (readonly [string, () => void])[] {
  const { messages, runs, outbox, attachments, samePerson, groups, chats, members, tasks } = store;
  const now = Date.now();
  const last = MESSAGES;
  let count = 0;
  const next = (): string => `new${++count}`;
  return [
    ['messages.add', () => void messages.add(message(next()))],
    ['messages.waiting', () => void messages.waiting()],
    ['messages.nextCall (trigger)', () => void messages.nextCall(BUSY, 0, true)],
    ['messages.nextCall (any)', () => void messages.nextCall(QUIET, 0, false)],
    ['messages.lastCall (trigger)', () => void messages.lastCall(BUSY, last, true)],
    ['messages.lastCall (any)', () => void messages.lastCall(QUIET, last, false)],
    ['messages.lastTriggerOf', () => void messages.lastTriggerOf(BUSY, 'nobody@lid', 0)],
    ['messages.heldTimes', () => void messages.heldTimes()],
    ['messages.areCallsDeleted', () => void messages.areCallsDeleted(BUSY, last, true)],
    ['messages.triggers', () => void messages.triggers(BUSY, last - 100, last, true)],
    ['messages.countBetween', () => void messages.countBetween(BUSY, 0, last)],
    ['messages.find', () => void messages.find(BUSY, 'm1000')],
    ['messages.versions', () => void messages.versions(BUSY, 'm1000')],
    ['messages.ofTurn', () => void messages.ofTurn(BUSY, last - 10, { before: 100, from: 100 })],
    ['messages.erase', () => messages.erase(BUSY, 'm1000', 1000, now)],
    [
      'messages.rewrite',
      () => messages.rewrite(1000, { text: 'x', isTrigger: true, isContext: false, at: now }),
    ],
    ['messages.moveCursorToEnd', () => messages.moveCursorToEnd(BUSY)],
    ['runs.queued', () => void runs.queued()],
    ['runs.running', () => void runs.running()],
    ['runs.runningIn', () => void runs.runningIn('folder0')],
    ['runs.tries', () => void runs.tries(BUSY, 1000)],
    ['runs.turnsBetween', () => void runs.turnsBetween(BUSY, now - HOUR, now, 120)],
    ['runs.isOpen', () => void runs.isOpen('task')],
    ['runs.cancelQueued', () => runs.cancelQueued('task', now)],
    ['runs.leftEffects', () => void runs.leftEffects('run1000')],
    [
      'outbox.add',
      () => void outbox.add({ chatJid: BUSY, message: { kind: 'text', text: 'x' }, source: 'reply' }, now),
    ],
    ['outbox.lastAnswer', () => void outbox.lastAnswer(BUSY)],
    ['outbox.heads', () => void outbox.heads()],
    ['outbox.openFiles', () => void outbox.openFiles()],
    ['outbox.giveUpWaiting', () => outbox.giveUpWaiting(BUSY, 'x', now)],
    ['outbox.eraseQuotes', () => outbox.eraseQuotes(BUSY, 'm1000')],
    ['outbox.hasSaidSince', () => void outbox.hasSaidSince('run1000', 0)],
    ['outbox.findByWireId', () => void outbox.findByWireId('wire')],
    ['attachments.waiting', () => void attachments.waiting()],
    ['attachments.heldUntil', () => void attachments.heldUntil(BUSY, 0, last, now)],
    ['attachments.ofMessages', () => void attachments.ofMessages([1, 2, 3])],
    ['groups.find', () => void groups.find(BUSY)],
    ['chats.note', () => chats.note({ jid: BUSY, isGroup: true, lastActivity: now })],
    ['members.noteName', () => members.noteName(BUSY, SENDER, 'Ann')],
    ['tasks.nextDue', () => void tasks.nextDue()],
    ['samePerson.current', () => void samePerson.current('1@lid')],
    ['samePerson.merge of a new address', () => void samePerson.merge('1@lid', '1@s.whatsapp.net')],
  ];
}

function message(id: string) {
  return {
    id,
    chatJid: BUSY,
    sender: SENDER,
    senderName: 'Ann',
    text: 'A message of ordinary length, such as people type on their phones on an ordinary day.',
    timestamp: Date.now(),
    fromMe: false,
    isTrigger: false,
  };
}

/** Writes the rows of years, without the store: it would take as long as they took. */
function fill(file: string): void {
  const sql = new BetterSqlite3(file);
  const chat = (n: string): string =>
    `'chat' || CASE WHEN ${n} % 2 THEN 0 ELSE ${n} / 2 % ${CHATS} END || '@g.us'`;
  const numbers = (count: number): string =>
    `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${count})`;
  try {
    sql.exec(`
      BEGIN;
      ${numbers(CHATS)} INSERT INTO chats (jid, name, is_group) SELECT 'chat' || (n - 1) || '@g.us', 'Chat', 1 FROM c;
      ${numbers(CHATS)} INSERT INTO registered_groups (jid, name, folder, trigger_pattern, added_at, requires_trigger)
        SELECT 'chat' || (n - 1) || '@g.us', 'Chat', 'folder' || (n - 1), '@Andy', '2026-01-01', n <> 2 FROM c;
      ${numbers(MESSAGES)} INSERT INTO messages (id, chat_jid, sender, sender_name, content, timestamp, is_trigger,
          is_context, reply_to_message_id)
        SELECT 'm' || n, ${chat('n')}, '${SENDER}', 'Ann', 'A message of ordinary length, as people type on phones.',
          '2026-01-01T00:00:00.000Z', n % 20 = 0, ${chat('n')} = '${QUIET}',
          CASE WHEN n % 10 = 0 THEN 'm' || (n - 1) END FROM c;
      INSERT INTO router_state SELECT 'cursor:' || chat_jid, MAX(seq) FROM messages
        WHERE chat_jid NOT IN ('${BUSY}', '${QUIET}') GROUP BY chat_jid;
      ${numbers(RUNS)} INSERT INTO runs (id, kind, group_folder, chat_jid, first_seq, last_seq, status, queued_at)
        SELECT 'run' || n, 'chat', 'folder0', ${chat('n')}, n, n, 'succeeded', '2026-01-01' FROM c;
      ${numbers(ANSWERS)} INSERT INTO outbox (chat_jid, payload, source, run_id, status, created_at)
        SELECT ${chat('n')}, '{"kind":"text","text":"An answer","quoted":{"id":"m' || n || '"}}', 'reply', 'run' || n, 'sent',
          '2026-01-01T00:00:00.000Z' FROM c;
      ${numbers(ATTACHMENTS)} INSERT INTO attachments (message_seq, chat_jid, kind, reference, status, created_at, file)
        SELECT n, ${chat('n')}, 'image', '', 'saved', '2026-01-01T00:00:00.000Z', 'folder0/x' FROM c;
      COMMIT;`);
  } finally {
    sql.close();
  }
}
