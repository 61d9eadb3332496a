import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { pathsAt } from '../../../src/paths.ts';
import { SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4 } from '../../../src/store/schema.ts';

/** Roots as earlier programs left them, with rows in every table. */

function make(file: string, sql: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const database = new BetterSqlite3(file);
  database.exec(sql);
  database.close();
}

/** As NanoClaw v1 made it, with what people's databases have: no sender, no text, two mains, a state that is half a JSON. */
const V1 = `
CREATE TABLE chats (jid TEXT PRIMARY KEY, name TEXT, last_message_time TEXT);
CREATE TABLE messages (id TEXT, chat_jid TEXT, sender TEXT, sender_name TEXT, content TEXT, timestamp TEXT,
  is_from_me INTEGER, is_bot_message INTEGER DEFAULT 0, PRIMARY KEY (id, chat_jid),
  FOREIGN KEY (chat_jid) REFERENCES chats(jid));
CREATE INDEX idx_timestamp ON messages(timestamp);
CREATE TABLE scheduled_tasks (id TEXT PRIMARY KEY, group_folder TEXT NOT NULL, chat_jid TEXT NOT NULL, prompt TEXT NOT NULL,
  schedule_type TEXT NOT NULL, schedule_value TEXT NOT NULL, next_run TEXT, last_run TEXT, last_result TEXT,
  status TEXT DEFAULT 'active', created_at TEXT NOT NULL, context_mode TEXT DEFAULT 'isolated');
CREATE INDEX idx_next_run ON scheduled_tasks(next_run);
CREATE TABLE task_run_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL, run_at TEXT NOT NULL,
  duration_ms INTEGER NOT NULL, status TEXT NOT NULL, result TEXT, error TEXT,
  FOREIGN KEY (task_id) REFERENCES scheduled_tasks(id));
CREATE TABLE router_state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE sessions (group_folder TEXT PRIMARY KEY, session_id TEXT NOT NULL);
CREATE TABLE registered_groups (jid TEXT PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL UNIQUE,
  trigger_pattern TEXT NOT NULL, added_at TEXT NOT NULL, container_config TEXT, requires_trigger INTEGER DEFAULT 1,
  is_main INTEGER DEFAULT 0);
INSERT INTO chats VALUES ('self@s.whatsapp.net', 'Me', '2025-01-01T00:00:02.000Z'), ('family@g.us', 'Family', NULL),
  ('__group_sync__', '__group_sync__', '2025-01-01T00:00:00.000Z');
INSERT INTO messages VALUES
  ('m2', 'self@s.whatsapp.net', 'x', 'Ann', 'second', '2025-01-01T00:00:02.000Z', 0, 0),
  ('m1', 'self@s.whatsapp.net', 'x', 'Ann', 'first', '2025-01-01T00:00:01.000Z', 0, 0),
  ('m3', 'self@s.whatsapp.net', NULL, NULL, NULL, NULL, NULL, NULL),
  ('f1', 'family@g.us', 'y', 'Ben', '@Andy lunch?', '2025-01-01T00:00:05.000Z', 0, 0),
  ('f2', 'family@g.us', 'y', 'Ben', '@Andybody', '2025-01-01T00:00:06.000Z', 0, 0),
  ('f3', 'family@g.us', 'x', 'Ann', 'Andy: done', '2025-01-01T00:00:07.000Z', 1, 0);
INSERT INTO scheduled_tasks VALUES
  ('t1', 'main', 'self@s.whatsapp.net', 'stretch', 'cron', '0 9 * * *', '2025-01-02T09:00:00.000Z', NULL, NULL, 'active',
    '2025-01-01T00:00:00.000Z', 'group'),
  ('t2', 'family', 'family@g.us', 'it''s late', 'once', 'never', NULL, NULL, 'Error: x', NULL, '', NULL);
INSERT INTO task_run_logs VALUES (7, 't1', '2025-01-01T09:00:00.000Z', 1200, 'success', 'done', NULL);
INSERT INTO router_state VALUES ('last_timestamp', '2025-01-01T00:00:07.000Z'),
  ('last_agent_timestamp', '{"self@s.whatsapp.net":"2025-01-01T00:00:01.000Z","family@g.us":7}');
INSERT INTO sessions VALUES ('main', 'session-1'), ('family', 'session-2');
INSERT INTO registered_groups VALUES
  ('self@s.whatsapp.net', 'Me', 'main', '@Andy', '2025-01-01T00:00:00.000Z', NULL, 0, 1),
  ('family@g.us', 'Family', 'family', '@Andy', '', '{"timeout":60000', 1, 1),
  ('work@g.us', 'Work', 'work', '@Andy', '', NULL, NULL, NULL);
`;

/** Beside the database of an early v1, which had no groups in it. */
const V1_FILES = {
  'registered_groups.json': {
    'self@s.whatsapp.net': {
      name: 'Me',
      folder: 'main',
      trigger: '@Andy',
      added_at: '2025-01-01T00:00:00.000Z',
    },
    'family@g.us': {
      name: 'Family',
      folder: 'family',
      trigger: '@Andy',
      containerConfig: { timeout: 60_000 },
    },
    'outside@g.us': { name: 'Outside', folder: '../outside', trigger: '@Andy' },
  },
  'sessions.json': { main: 'session-3', family: 'codex-last', work: 'session-4' },
  'router_state.json': { last_agent_timestamp: { 'family@g.us': '2025-01-01T00:00:05.000Z' } },
};

const ROWS_1 = `
INSERT INTO chats VALUES ('self@s.whatsapp.net', 'Me', '2026-01-01T00:00:00.000Z', 0), ('family@g.us', NULL, NULL, 1);
INSERT INTO messages VALUES
  (3, 'A', 'family@g.us', 'ben@s.whatsapp.net', 'Ben', '@Andy lunch?', '2026-01-01T00:00:00.000Z', 0, 0, 1, NULL, NULL, NULL),
  (9, 'B', 'family@g.us', 'ann@s.whatsapp.net', NULL, 'it''s; over', '2026-01-01T00:00:01.000Z', 1, 0, 0, 'A', 'Ben', 'lunch?');
INSERT INTO registered_groups VALUES
  ('self@s.whatsapp.net', 'Me', 'main', '@Andy', '2026-01-01T00:00:00.000Z', '{}', 1, 1),
  ('family@g.us', 'Family', 'family', '@Andy', '2026-01-01T00:00:00.000Z', '{"model":"m"}', 0, 0);
INSERT INTO sessions VALUES ('main', 'claude', 's1', 'anchor'), ('main', 'codex', 's2', NULL);
INSERT INTO scheduled_tasks VALUES ('t1', 'main', 'self@s.whatsapp.net', 'stretch', 'exit 0', 'interval', '60000', 'group',
  '2026-01-02T00:00:00.000Z', NULL, NULL, 'active', '2026-01-01T00:00:00.000Z');
INSERT INTO task_run_logs VALUES (5, 't1', '2026-01-01T00:00:00.000Z', 10, 'error', NULL, 'no');
INSERT INTO router_state VALUES ('cursor:family@g.us', '3'), ('line', 'open'), ('adopted:sessions.json', '2026-01-01');
INSERT INTO runs VALUES
  (1, 'r1', 'chat', 'family', 'family@g.us', NULL, NULL, 3, 9, 1, 0, 'running', '2026-01-01', '2026-01-01', NULL, NULL, NULL, NULL),
  (2, 'r2', 'task', 'main', 'self@s.whatsapp.net', 't1', '2026-01-01', NULL, NULL, 2, 5, 'queued', '2026-01-01', NULL, NULL, NULL, NULL, NULL);
INSERT INTO outbox VALUES
  (4, 'family@g.us', '{"kind":"text","text":"soon"}', 'reply', 'r1', 'sending', 'WIRE', 1, 0, '2026-01-01', NULL, NULL),
  (6, 'family@g.us', '{"kind":"text","text":"then"}', 'message', NULL, 'queued', NULL, 0, 7, '2026-01-01', NULL, NULL);
INSERT INTO mailbox_claims VALUES ('c1', 'family', 'r1', 'message', 'q1', '{"ok":true}', 1, '2026-01-01');
`;

const ROWS_2 = `
INSERT INTO usage VALUES ('r1', 'family', 'claude', 'm', 1, 2, 3, 4, '2026-01-01');
INSERT INTO follow_ups VALUES (8, 'r1', 'a.json', 9);
`;

const ROWS_3 = `
UPDATE messages SET is_context = 1, edited_at = '2026-01-01', deleted_at = NULL, edit_of = 'A', is_shown = 1 WHERE id = 'B';
INSERT INTO attachments (seq, message_seq, chat_jid, kind, reference, status, created_at) VALUES
  (2, 3, 'family@g.us', 'image', '{}', 'waiting', '2026-01-01'), (5, 9, 'family@g.us', 'voice', '', 'saved', '2026-01-01');
INSERT INTO group_members VALUES ('family@g.us', 'ben@s.whatsapp.net', 'Ben', 1);
INSERT INTO same_person VALUES ('1@lid', 'ben@s.whatsapp.net');
`;

/** The account's database as the first programs made it: without a version, journal and uploads. */
const ACCOUNT = `
PRAGMA journal_mode = WAL;
CREATE TABLE creds (id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL) STRICT;
CREATE TABLE keys (type TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (type, id)) STRICT, WITHOUT ROWID;
CREATE TABLE flags (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE numbers (lid TEXT PRIMARY KEY, number TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE aside_creds (at INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE aside_keys (at INTEGER NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (at, type, id)) STRICT, WITHOUT ROWID;
INSERT INTO creds VALUES (1, '{"me":{"id":"491511:7@s.whatsapp.net"}}');
INSERT INTO keys VALUES ('session', 'ben.0', '"a ratchet"'), ('lid-mapping', '1', '"2"');
INSERT INTO flags VALUES ('greeted', '1');
INSERT INTO numbers VALUES ('1', '2');
INSERT INTO aside_creds VALUES (7, '{}');
INSERT INTO aside_keys VALUES (7, 'session', 'x', '"y"');
`;

const versioned = (version: number, sql: string): string => `${sql}\nPRAGMA user_version = ${version};`;

/** What makes each of them in a root. */
export const OLD_ROOTS = {
  'of NanoClaw v1': (root) => make(pathsAt(root).database, V1),
  'of an early NanoClaw v1, with files': (root) => {
    make(pathsAt(root).database, `${V1}; DROP TABLE registered_groups; DROP TABLE router_state;`);
    mkdirSync(pathsAt(root).data);
    for (const [name, content] of Object.entries(V1_FILES))
      writeFileSync(join(pathsAt(root).data, name), JSON.stringify(content));
  },
  'with schema 1': (root) => make(pathsAt(root).database, versioned(1, SCHEMA_1 + ROWS_1)),
  'with schema 2': (root) =>
    make(pathsAt(root).database, versioned(2, SCHEMA_1 + SCHEMA_2 + ROWS_1 + ROWS_2)),
  'with schema 3': (root) =>
    make(
      pathsAt(root).database,
      versioned(3, `${SCHEMA_1 + SCHEMA_2 + ROWS_1 + ROWS_2 + SCHEMA_3 + ROWS_3}`),
    ),
  'with schema 4': (root) =>
    make(
      pathsAt(root).database,
      versioned(4, `${SCHEMA_1 + SCHEMA_2 + ROWS_1 + ROWS_2 + SCHEMA_3 + ROWS_3 + SCHEMA_4}`),
    ),
  'with an account of the first program': (root) => make(pathsAt(root).whatsappDatabase, ACCOUNT),
} as const satisfies Record<string, (root: string) => void>;

export type OldRoot = keyof typeof OLD_ROOTS;
