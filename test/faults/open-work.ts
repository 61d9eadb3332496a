import type { Database } from 'better-sqlite3';
import type { Root } from './root.ts';

/** What has not come to its end yet, by kind; a number each. */
export type OpenWork = Readonly<Record<(typeof KINDS)[number], number>>;

const KINDS = [
  'messages waiting',
  'chat runs running',
  'task runs queued',
  'task runs running',
  'tasks due',
  'rows queued',
  'rows sending',
  'files dropped',
  'files claimed',
] as const;

const COUNTS = {
  'messages waiting': `SELECT COUNT(*) FROM messages m JOIN registered_groups g ON g.jid = m.chat_jid
    WHERE m.is_trigger = 1
      AND m.seq > COALESCE((SELECT CAST(value AS INTEGER) FROM router_state WHERE key = 'cursor:' || m.chat_jid), 0)`,
  'chat runs running': "SELECT COUNT(*) FROM runs WHERE kind = 'chat' AND status = 'running'",
  'task runs queued': "SELECT COUNT(*) FROM runs WHERE kind = 'task' AND status = 'queued'",
  'task runs running': "SELECT COUNT(*) FROM runs WHERE kind = 'task' AND status = 'running'",
  // A one-time task is waited for.
  'tasks due': `SELECT COUNT(*) FROM scheduled_tasks
    WHERE status = 'active' AND (schedule_type = 'once' OR next_run <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`,
  'rows queued': "SELECT COUNT(*) FROM outbox WHERE status = 'queued'",
  'rows sending': "SELECT COUNT(*) FROM outbox WHERE status = 'sending'",
} as const;

/** @param folders of the groups whose mailboxes are looked into */
export function openWork(database: Database, root: Root, folders: readonly string[]): OpenWork {
  const sum = (count: (folder: string) => number): number =>
    folders.reduce((total, folder) => total + count(folder), 0);
  const files = {
    'files dropped': sum((folder) => root.waiting(folder).length),
    'files claimed': sum((folder) => root.claimed(folder).length),
  };
  const rows = Object.entries(COUNTS).map(([kind, sql]) => [
    kind,
    Number(database.prepare(sql).pluck().get()),
  ]);
  return { ...Object.fromEntries(rows), ...files } as OpenWork;
}

export function isNothing(work: OpenWork): boolean {
  return Object.values(work).every((count) => count === 0);
}

export function inWords(work: OpenWork): string {
  return Object.entries(work)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ');
}
