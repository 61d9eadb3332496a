import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';

/** Looks into the host's database, as an operator with `sqlite3` may: whether something is still to come. */
export class OpenWork {
  readonly #sql: BetterSqlite3.Database;
  readonly #count;
  readonly #undelivered;
  readonly #closed;
  readonly #lastFailure;

  /** @param root NANOCLAW_ROOT of a running host */
  constructor(root: string) {
    this.#sql = new BetterSqlite3(join(root, 'store', 'messages.db'), { readonly: true });
    this.#count = this.#sql.prepare<[], { open: number }>(`
      SELECT (SELECT COUNT(*) FROM scheduled_tasks WHERE schedule_type = 'once' AND status = 'active')
           + (SELECT COUNT(*) FROM runs WHERE status IN ('queued', 'running'))
           + (SELECT COUNT(*) FROM outbox WHERE status IN ('queued', 'sending')) AS open`);
    this.#closed = this.#sql.prepare<[string]>(`
      SELECT 1 FROM messages m JOIN router_state r ON r.key = 'cursor:' || m.chat_jid
      WHERE m.id = ? AND CAST(r.value AS INTEGER) >= m.seq`);
    this.#lastFailure = this.#sql.prepare<[], { error: string | null; reason: string | null }>(`
      SELECT error, exit_reason AS reason FROM runs
      WHERE NOT EXISTS (SELECT 1 FROM runs WHERE status = 'succeeded') AND status = 'failed' ORDER BY seq DESC LIMIT 1`);
    this.#undelivered = this.#sql.prepare<[], { open: number }>(
      "SELECT COUNT(*) AS open FROM outbox WHERE status IN ('queued', 'sending')",
    );
  }

  /** Why the last run failed, if none has succeeded; undefined where one has, or none was needed. */
  failure(): string | undefined {
    const found = this.#lastFailure.get();
    return found === undefined ? undefined : (found.error ?? found.reason ?? 'no reason given');
  }

  /** Whether a message was answered or given up: the cursor of its chat has passed it. */
  isClosed(messageId: string): boolean {
    return this.#closed.get(messageId) !== undefined;
  }

  /** Messages that have not left. */
  undelivered(): number {
    return this.#undelivered.get()?.open ?? 0;
  }

  /** One-time tasks that have not fired, turns under way, and messages that have not left. */
  count(): number {
    return this.#count.get()?.open ?? 0;
  }

  close(): void {
    this.#sql.close();
  }
}
