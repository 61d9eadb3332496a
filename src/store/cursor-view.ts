import { createHash } from 'node:crypto';
import { parseInstant } from '../clock.ts';
import type { Database } from './database.ts';
import { currentJid } from './same-person.ts';

/** v1 kept its cursors there: a JSON object of each chat's last answered time. */
const VIEW = 'last_agent_timestamp';
/** The SHA-256 of what this program wrote there last, in hexadecimal; an earlier version kept the text itself. */
const WRITTEN = 'cursors:written';

export interface CursorChange {
  /** The chats whose cursor was moved. */
  readonly chats: readonly string[];
  /** What cannot be understood and was put back, in words. */
  readonly problem: string | undefined;
}

/** From where on a chat's messages wait: after an ISO instant, or all of them. */
type From = { readonly at: string } | 'start' | 'invalid';

/**
 * The cursors as v1's operators read and write them, in the row `last_agent_timestamp` of `router_state`. What differs there
 * from what was written last is an operator's: it moves those cursors, in either direction. A chat that was taken out of
 * the object, and all of them where it is empty or the row is gone, wait from their first message on, as in v1.
 */
export class CursorView {
  readonly #db: Database;
  readonly #value;
  readonly #view;
  readonly #stamp;
  readonly #jids;
  readonly #current;
  readonly #move;
  readonly #set;
  /** Chats whose turn would move their cursor on: it is moved when that has ended. */
  readonly #pending = new Map<string, Exclude<From, 'invalid'>>();
  /** The chats and cursors of which the view was made last: it is made at each look for work only when they changed. */
  #stamped: string | null | undefined;
  /** The view as this process read or wrote it last. */
  #known: string | undefined;

  constructor(db: Database) {
    this.#db = db;
    this.#value = db.sql.prepare<[string], { value: string }>('SELECT value FROM router_state WHERE key = ?');
    this.#view = db.sql.prepare<[], { jid: string; timestamp: string }>(`
      SELECT g.jid, m.timestamp FROM registered_groups AS g JOIN router_state AS r ON r.key = 'cursor:' || g.jid
        JOIN messages AS m ON m.seq = CAST(r.value AS INTEGER) ORDER BY 1`);
    this.#stamp = db.sql
      .prepare<[], string>(`
      SELECT (SELECT group_concat(jid) FROM registered_groups) || char(10)
        || (SELECT group_concat(key || value) FROM router_state WHERE key >= 'cursor:' AND key < 'cursor;')`)
      .pluck();
    this.#jids = db.sql.prepare<[], { jid: string }>('SELECT jid FROM registered_groups ORDER BY jid');
    this.#current = db.sql.prepare<{ jid: string }, { jid: string }>(`SELECT ${currentJid('@jid')} AS jid`);
    this.#move = db.sql.prepare<{ jid: string; at: string | null }>(`
      INSERT INTO router_state (key, value) SELECT 'cursor:' || @jid, CAST(COALESCE((SELECT MAX(seq) FROM messages
        WHERE chat_jid = @jid AND timestamp <= @at), 0) AS TEXT) WHERE TRUE
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`);
    this.#set = db.sql.prepare<[string, string]>(
      'INSERT INTO router_state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    );
  }

  /**
   * Takes what an operator wrote, and writes the cursors as they are.
   * @param busy the chats whose turn is at work
   * @returns undefined: nobody wrote anything
   */
  sync(busy: ReadonlySet<string> = new Set()): CursorChange | undefined {
    for (const [jid, from] of this.#pending) if (!busy.has(jid)) this.#moveTo(jid, from);
    const mark = this.#value.get(WRITTEN)?.value;
    const found = this.#value.get(VIEW)?.value;
    const isSame = found !== undefined && found === this.#known && this.#stamp.get() === this.#stamped;
    if (mark !== undefined && isSame) return undefined;
    const result = this.#db.transaction(() => {
      // The first time it is v1's, whose cursors were imported.
      const before = mark === undefined ? found : this.#writtenLast(mark, found);
      const change = found === before ? undefined : this.#take(found ?? '', before ?? '', busy);
      const view = this.#viewNow();
      const hash = hashOf(view);
      if (found !== view) this.#set.run(VIEW, view);
      if (mark !== hash) this.#set.run(WRITTEN, hash);
      return { change, view };
    });
    this.#known = result.view;
    this.#stamped = this.#stamp.get();
    return result.change;
  }

  /** @returns what stood in the view before an operator wrote; where only its hash is left, the cursors as they are */
  #writtenLast(mark: string, found: string | undefined): string {
    if (this.#known !== undefined) return this.#known;
    if (found !== undefined && hashOf(found) === mark) return found;
    return HASH.test(mark) ? this.#viewNow() : mark;
  }

  #viewNow(): string {
    return JSON.stringify(Object.fromEntries(this.#view.all().map(({ jid, timestamp }) => [jid, timestamp])));
  }

  #take(text: string, written: string, busy: ReadonlySet<string>): CursorChange {
    const before = fieldsOf(written) ?? {};
    const after = this.#withCurrentAddresses(fieldsOf(text));
    const whole = after === undefined ? fromOf(plain(text)) : undefined;
    if (whole === 'invalid') return { chats: [], problem: text.slice(0, 100) };
    const chats: string[] = [];
    const invalid: string[] = [];
    for (const { jid } of this.#jids.all()) {
      if (after !== undefined && after[jid] === before[jid]) continue;
      const from = whole ?? fromOf(after?.[jid]);
      if (from === 'invalid') {
        invalid.push(jid);
        continue;
      }
      if (busy.has(jid)) this.#pending.set(jid, from);
      else this.#moveTo(jid, from);
      chats.push(jid);
    }
    return { chats, problem: invalid.length === 0 ? undefined : invalid.join(', ') };
  }

  #moveTo(jid: string, from: Exclude<From, 'invalid'>): void {
    this.#pending.delete(jid);
    this.#move.run({ jid, at: from === 'start' ? null : from.at });
  }

  #withCurrentAddresses(fields: Fields | undefined): Fields | undefined {
    if (fields === undefined) return undefined;
    const entries = Object.entries(fields).map(([jid, value]) => [
      this.#current.get({ jid })?.jid ?? jid,
      value,
    ]);
    return Object.fromEntries(entries);
  }
}

const HASH = /^[0-9a-f]{64}$/;

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

type Fields = Readonly<Record<string, unknown>>;

/** @returns undefined for what is no JSON object */
function fieldsOf(text: string): Fields | undefined {
  const value = parse(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

/** A value that is not for single chats, with JSON's quotes or without. */
function plain(text: string): unknown {
  const value = parse(text);
  return typeof value === 'string' || typeof value === 'number' || value === null ? value : text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fromOf(value: unknown): From {
  if (value === undefined || value === null) return 'start';
  const text = String(value).trim();
  if (text === '' || text === '0') return 'start';
  // Seconds or milliseconds since the epoch.
  const ms = /^\d{9,14}$/.test(text)
    ? Number(text) * (text.length <= 11 ? 1_000 : 1)
    : /^\d{4}-\d\d/.test(text)
      ? parseInstant(text)
      : Number.NaN;
  return Number.isNaN(ms) ? 'invalid' : { at: new Date(ms).toISOString() };
}
