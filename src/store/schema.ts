/**
 * Each schema is frozen once a database may have it: what comes later is a schema of its own.
 *
 * The first schema. Tables and columns that NanoClaw v1 had keep their names, so that the commands in its guides work.
 * Every cursor is an AUTOINCREMENT id: an implicit rowid is reused after a delete, and timestamps repeat.
 */
export const SCHEMA_1 = `
CREATE TABLE chats (
  jid TEXT PRIMARY KEY,
  name TEXT,
  last_message_time TEXT,
  is_group INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  chat_jid TEXT NOT NULL,
  sender TEXT NOT NULL,
  sender_name TEXT,
  content TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  is_from_me INTEGER NOT NULL DEFAULT 0,
  is_bot_message INTEGER NOT NULL DEFAULT 0,
  is_trigger INTEGER NOT NULL DEFAULT 0,
  reply_to_message_id TEXT,
  reply_to_sender_name TEXT,
  reply_to_message_content TEXT,
  UNIQUE (chat_jid, sender, id)
);
CREATE INDEX messages_by_chat ON messages (chat_jid, seq);
CREATE INDEX messages_that_trigger ON messages (chat_jid, seq) WHERE is_trigger = 1;

CREATE TABLE registered_groups (
  jid TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  folder TEXT NOT NULL UNIQUE,
  trigger_pattern TEXT NOT NULL,
  added_at TEXT NOT NULL,
  container_config TEXT,
  requires_trigger INTEGER DEFAULT 1,
  is_main INTEGER DEFAULT 0
);
CREATE UNIQUE INDEX one_main_group ON registered_groups (is_main) WHERE is_main = 1;

CREATE TABLE sessions (
  group_folder TEXT NOT NULL,
  provider TEXT NOT NULL DEFAULT 'claude',
  session_id TEXT NOT NULL,
  resume_at TEXT,
  PRIMARY KEY (group_folder, provider)
);

CREATE TABLE scheduled_tasks (
  id TEXT PRIMARY KEY,
  group_folder TEXT NOT NULL,
  chat_jid TEXT NOT NULL,
  prompt TEXT NOT NULL,
  script TEXT,
  schedule_type TEXT NOT NULL,
  schedule_value TEXT NOT NULL,
  context_mode TEXT DEFAULT 'isolated',
  next_run TEXT,
  last_run TEXT,
  last_result TEXT,
  status TEXT DEFAULT 'active',
  created_at TEXT NOT NULL
);
CREATE INDEX tasks_by_next_run ON scheduled_tasks (next_run) WHERE status = 'active';

CREATE TABLE task_run_logs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task_id TEXT NOT NULL,
  run_at TEXT NOT NULL,
  duration_ms INTEGER NOT NULL,
  status TEXT NOT NULL,
  result TEXT,
  error TEXT
);
CREATE INDEX task_run_logs_by_task ON task_run_logs (task_id, run_at);

CREATE TABLE router_state (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE runs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('chat', 'task')),
  group_folder TEXT NOT NULL,
  chat_jid TEXT NOT NULL,
  task_id TEXT,
  slot TEXT,
  first_seq INTEGER,
  last_seq INTEGER,
  attempt INTEGER NOT NULL DEFAULT 1,
  not_before INTEGER NOT NULL DEFAULT 0,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'interrupted')),
  queued_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT,
  exit_reason TEXT,
  error TEXT,
  log_file TEXT
);
CREATE INDEX runs_open ON runs (status, seq) WHERE status IN ('queued', 'running');
CREATE INDEX runs_of_messages ON runs (chat_jid, first_seq) WHERE kind = 'chat';
CREATE UNIQUE INDEX one_run_per_slot ON runs (task_id, slot, attempt) WHERE kind = 'task';

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  chat_jid TEXT NOT NULL,
  payload TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('reply', 'message', 'notice')),
  run_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('queued', 'sending', 'sent', 'failed', 'unknown')),
  wire_id TEXT UNIQUE,
  sends INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  settled_at TEXT,
  error TEXT
);
CREATE INDEX outbox_open ON outbox (chat_jid, seq) WHERE status IN ('queued', 'sending');
CREATE INDEX outbox_by_run ON outbox (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE mailbox_claims (
  claim_id TEXT PRIMARY KEY,
  group_folder TEXT NOT NULL,
  run_id TEXT,
  operation TEXT NOT NULL,
  request_id TEXT,
  result TEXT NOT NULL,
  changed INTEGER NOT NULL,
  at TEXT NOT NULL
);
CREATE INDEX mailbox_claims_by_run ON mailbox_claims (run_id) WHERE run_id IS NOT NULL;
`;

/** What was used of the models, and the follow-ups that running sandboxes were given. */
export const SCHEMA_2 = `
CREATE TABLE usage (
  run_id TEXT NOT NULL,
  group_folder TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  requests INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (run_id, model)
);
CREATE INDEX usage_by_group ON usage (group_folder, at);

CREATE TABLE follow_ups (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL,
  file TEXT NOT NULL,
  last_seq INTEGER NOT NULL,
  UNIQUE (run_id, file)
);
`;

/** What people do besides writing: files, reactions, edits, deletions; and who is in a group. */
export const SCHEMA_3 = `
ALTER TABLE messages ADD COLUMN is_context INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN edited_at TEXT;
ALTER TABLE messages ADD COLUMN deleted_at TEXT;
ALTER TABLE messages ADD COLUMN edit_of TEXT;
ALTER TABLE messages ADD COLUMN is_shown INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_by_id ON messages (chat_jid, id);
CREATE INDEX messages_that_edit ON messages (chat_jid, edit_of) WHERE edit_of IS NOT NULL;

CREATE TABLE attachments (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  message_seq INTEGER NOT NULL,
  chat_jid TEXT NOT NULL,
  kind TEXT NOT NULL,
  mime_type TEXT,
  file_name TEXT,
  bytes INTEGER,
  seconds INTEGER,
  reference TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('waiting', 'saved', 'failed', 'removed')),
  tries INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  file TEXT,
  transcript TEXT,
  error TEXT,
  created_at TEXT NOT NULL,
  settled_at TEXT
);
CREATE INDEX attachments_of_messages ON attachments (message_seq);
CREATE INDEX attachments_waiting ON attachments (chat_jid, message_seq) WHERE status = 'waiting';

CREATE TABLE group_members (
  chat_jid TEXT NOT NULL,
  person_jid TEXT NOT NULL,
  name TEXT,
  is_admin INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (chat_jid, person_jid)
);

CREATE TABLE same_person (
  from_jid TEXT PRIMARY KEY,
  to_jid TEXT NOT NULL
);
`;

/** Two indexes that were put into the third schema when databases with it existed: some have them. */
export const SCHEMA_4 = `
CREATE INDEX IF NOT EXISTS outbox_by_chat ON outbox (chat_jid);
CREATE INDEX IF NOT EXISTS attachments_saved ON attachments (seq) WHERE status = 'saved';
`;

/**
 * When a run's answer was stored, a silent one too; a task's own shortest interval (those that exist keep theirs), and its failures
 * in a row with what its chat was told of them; until when a message that triggers waits because its sender is muted or its chat is
 * over its limit, in milliseconds since the epoch; indexes for what was looked for row by row.
 */
export const SCHEMA_5 = `
ALTER TABLE scheduled_tasks ADD COLUMN min_interval_ms INTEGER;
ALTER TABLE scheduled_tasks ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE scheduled_tasks ADD COLUMN told_failures TEXT NOT NULL DEFAULT '[]';
UPDATE scheduled_tasks SET min_interval_ms = 1000 WHERE schedule_type = 'interval';
ALTER TABLE runs ADD COLUMN answered_at TEXT;
CREATE INDEX messages_that_may_trigger ON messages (chat_jid, seq) WHERE is_bot_message = 0 AND is_context = 0;
CREATE INDEX messages_that_quote ON messages (chat_jid, reply_to_message_id) WHERE reply_to_message_id IS NOT NULL;
CREATE INDEX outbox_that_quotes ON outbox (chat_jid, payload ->> '$.quoted.id')
  WHERE json_valid(payload) AND payload ->> '$.quoted.id' IS NOT NULL;
CREATE INDEX attachments_by_chat ON attachments (chat_jid, message_seq);
CREATE INDEX runs_of_tasks ON runs (chat_jid) WHERE kind = 'task';
CREATE INDEX tasks_by_folder ON scheduled_tasks (group_folder, created_at, id);
CREATE INDEX tasks_by_chat ON scheduled_tasks (chat_jid);
CREATE INDEX usage_by_time ON usage (at);
CREATE INDEX same_person_by_current ON same_person (to_jid);
CREATE INDEX group_members_by_person ON group_members (person_jid);
CREATE INDEX group_chats ON chats (last_message_time DESC, jid) WHERE is_group = 1;
ALTER TABLE messages ADD COLUMN held_until INTEGER;
CREATE INDEX messages_deleted ON messages (chat_jid, seq) WHERE deleted_at IS NOT NULL AND is_shown = 1;
CREATE INDEX triggers_by_sender ON messages (chat_jid, sender, seq) WHERE is_trigger = 1;
CREATE INDEX messages_told ON messages (chat_jid, seq) WHERE is_bot_message = 0 AND (deleted_at IS NULL OR is_shown = 1);
CREATE INDEX messages_held ON messages (held_until) WHERE held_until IS NOT NULL;
`;
