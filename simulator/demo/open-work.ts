import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';

/** Looks into the host's database, as an operator with `sqlite3` may: whether something is still to come. */
export class OpenWork {
  readonly #sql: BetterSqlite3.Database;
  readonly #count;
  readonly #undelivered;
  readonly #closed;

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
    this.#undelivered = this.#sql.prepare<[], { open: number }>(
      "SELECT COUNT(*) AS open FROM outbox WHERE status IN ('queued', 'sending')",
    );
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
