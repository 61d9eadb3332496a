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
 * - `line:since`, `line:lost`: ISO instants: when it came into that state, when it was last open; empty: it is
 * - `line:host`: names the start of the host that wrote these, as its lock does
 * - `restriction`: what the platform does not let the account do, in words; empty: nothing
 * - `restriction:chats`: chats to which a message was refused because of it, with spaces between them
 * - `senders`: who may call the assistant, in words, for `status`
 * - `account`, `account:link`: the account that was greeted last, and its linking
 * - `left:<group>`: ISO instant at which the account was found to be out of that registered group; empty: it is back
 * - `rest:<chat> <sender>`: until when the sender is muted there, in milliseconds since the epoch
 * - `limit:<chat>`: until when nobody but the owner is answered there, in milliseconds since the epoch
 * - `explained:trigger`: ISO instant at which main was told how the assistant is triggered
 * - `last_agent_timestamp`, `cursors:written`: the cursors as v1 kept them, and a hash of what was written there
 * - `unusable`: what operators wrote and cannot be used, as main was told of it last; JSON
 * - `sessions:file`: `data/sessions.json` was written by the host once: what stands in it is no longer v1's
 * - `network:<chat or folder>`: the network of a chat that was taken out, as its owner had set it
 * - `adopted:…`: ISO instant at which a file of NanoClaw v1 was taken over
 */
export type StateKey =
  | 'groups:synced'
  | 'assistant:trigger'
  | 'line'
  | 'line:since'
  | 'line:lost'
  | 'line:host'
  | 'restriction'
  | 'restriction:chats'
  | 'sandbox'
  | 'senders'
  | 'account'
  | 'account:link'
  | `left:${string}`
  | `rest:${string}`
  | `limit:${string}`
  | 'explained:trigger'
  | 'unusable'
  | 'sessions:file'
  | `network:${string}`
  | 'last_agent_timestamp'
  | `adopted:${string}`;
