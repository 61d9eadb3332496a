import type { Database } from 'better-sqlite3';
import { tokensIn } from './workload.ts';

/** A row of the outbox that bears words of a round. */
export interface SpokenRow {
  readonly seq: number;
  readonly source: 'reply' | 'message' | 'notice';
  readonly status: string;
  readonly wireId: string | null;
  readonly tokens: readonly string[];
}

/** A message as the host stored it. */
export interface StoredLine {
  readonly token: string;
  readonly isClosed: boolean;
  /** Whether a run that took it left an answer or a notice. */
  readonly isAnsweredFor: boolean;
  /** Whether a run that took it left an effect besides a notice, or failed: then it may be closed without its own answer. */
  readonly mayBeClosed: boolean;
}

/** A try at one slot of a task. */
export interface SlotRun {
  readonly slot: string;
  readonly status: string;
  readonly hasEffects: boolean;
}

export interface StoredTask {
  readonly token: string;
  readonly runs: readonly SlotRun[];
}

/** What the database says of one round. */
export interface Evidence {
  readonly lines: readonly StoredLine[];
  readonly rows: readonly SpokenRow[];
  readonly tasks: readonly StoredTask[];
  /** Words that a claim's row bears as the name of its answer. */
  readonly claims: ReadonlySet<string>;
}

/** The runs that took a message, as part of their prompt or as a follow-up. */
const TAKERS = `
  SELECT r.id, r.status FROM runs r
  WHERE r.kind = 'chat' AND r.chat_jid = m.chat_jid AND r.first_seq <= m.seq
    AND (r.last_seq >= m.seq OR EXISTS (SELECT 1 FROM follow_ups f WHERE f.run_id = r.id AND f.last_seq >= m.seq))`;

const LINES = `
  SELECT m.content AS text,
    m.seq <= COALESCE((SELECT CAST(value AS INTEGER) FROM router_state WHERE key = 'cursor:' || m.chat_jid), 0) AS isClosed,
    EXISTS (SELECT 1 FROM (${TAKERS}) t JOIN outbox o ON o.run_id = t.id AND o.source IN ('reply', 'notice')) AS isAnsweredFor,
    EXISTS (
      SELECT 1 FROM (${TAKERS}) t
      WHERE t.status = 'failed'
        OR EXISTS (SELECT 1 FROM outbox WHERE run_id = t.id AND source <> 'notice')
        OR EXISTS (SELECT 1 FROM mailbox_claims WHERE run_id = t.id AND changed = 1)
    ) AS mayBeClosed
  FROM messages m WHERE m.is_trigger = 1 AND m.content GLOB ?`;

const ROWS = `
  SELECT seq, source, status, wire_id AS wireId, text FROM (
    SELECT *, COALESCE(payload ->> '$.text', payload ->> '$.caption') AS text FROM outbox
  ) WHERE text GLOB ?`;

const RUNS = `
  SELECT slot, status,
    EXISTS (SELECT 1 FROM outbox WHERE run_id = r.id)
      OR EXISTS (SELECT 1 FROM mailbox_claims WHERE run_id = r.id AND changed = 1) AS hasEffects
  FROM runs r WHERE task_id = ?`;

export function readEvidence(database: Database, round: number): Evidence {
  const message = `*M${round}x*`;
  const any = `*[MF]${round}x*`;
  const file = `*F${round}x*`;
  const lines = database
    .prepare<[string], { text: string; isClosed: number; isAnsweredFor: number; mayBeClosed: number }>(LINES)
    .all(message)
    .map(({ text, isClosed, isAnsweredFor, mayBeClosed }) => ({
      token: tokensIn(text)[0] ?? '',
      isClosed: isClosed === 1,
      isAnsweredFor: isAnsweredFor === 1,
      mayBeClosed: mayBeClosed === 1,
    }));
  const rows = database
    .prepare<[string], Omit<SpokenRow, 'tokens'> & { text: string }>(ROWS)
    .all(any)
    .map(({ text, ...row }) => ({ ...row, tokens: tokensIn(text) }));
  const tasks = database
    .prepare<[string], { id: string; prompt: string }>(
      'SELECT id, prompt FROM scheduled_tasks WHERE prompt GLOB ?',
    )
    .all(file)
    .map(({ id, prompt }) => ({
      token: tokensIn(prompt)[0] ?? '',
      runs: runsOf(database, id),
    }));
  const claims = database
    .prepare<[string], string>('SELECT request_id FROM mailbox_claims WHERE request_id GLOB ?')
    .pluck()
    .all(file) as unknown as string[];
  return { lines, rows, tasks, claims: new Set(claims) };
}

/** Every try at every slot of a task. */
export function runsOf(database: Database, taskId: string): readonly SlotRun[] {
  return database
    .prepare<[string], { slot: string; status: string; hasEffects: number }>(RUNS)
    .all(taskId)
    .map((run) => ({ ...run, hasEffects: run.hasEffects === 1 }));
}

/** Whether nothing is under way for a slot any more, and one of its tries left effects. @param runs its tries */
export function hasEnded(runs: readonly SlotRun[]): boolean {
  const isOpen = runs.some(({ status }) => status === 'queued' || status === 'running');
  return !isOpen && runs.some(({ hasEffects }) => hasEffects);
}

/** Of each wire id what kind of message it bears; undefined: the database does not know it. */
export function sourceOf(database: Database, wireId: string): SpokenRow['source'] | undefined {
  return database
    .prepare<[string], { source: SpokenRow['source'] }>('SELECT source FROM outbox WHERE wire_id = ?')
    .get(wireId)?.source;
}
