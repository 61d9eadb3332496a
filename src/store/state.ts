import type { Database } from './database.ts';

/** Single values that must survive a restart. Lies in `router_state`, beside the cursors. */
export class State {
  readonly #get;
  readonly #set;

  constructor(db: Database) {
    this.#get = db.sql.prepare<[string], { value: string }>('SELECT value FROM router_state WHERE key = ?');
    this.#set = db.sql.prepare<[string, string]>(
      'INSERT INTO router_state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    );
  }

  get(key: StateKey): string | undefined {
    return this.#get.get(key)?.value;
  }

  set(key: StateKey, value: string): void {
    this.#set.run(key, value);
  }
}

/**
 * - `groups:synced`: ISO instant of the last whole list of groups
 * - `assistant:trigger`: the trigger that the assistant's name gave at the last start
 * - `line`, `sandbox`: the state of the line and the sandbox in words, for `status`
 * - `account`: the account that was greeted last
 * - `adopted:…`: ISO instant at which a file of NanoClaw v1 was taken over
 */
export type StateKey =
  | 'groups:synced'
  | 'assistant:trigger'
  | 'line'
  | 'sandbox'
  | 'account'
  | `adopted:${string}`;
