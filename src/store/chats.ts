import type { Database } from './database.ts';

/** A chat that the host knows: of one that is not registered, only this is stored, never text. */
export interface Chat {
  readonly jid: string;
  readonly name: string | null;
  /** ISO instant, or null when nothing was seen there yet. */
  readonly lastActivity: string | null;
  readonly isGroup: boolean;
}

interface ChatRow extends Omit<Chat, 'isGroup'> {
  readonly isGroup: number;
}

const COLUMNS = 'jid, name, last_message_time AS lastActivity, is_group AS isGroup';

export class Chats {
  readonly #db: Database;
  readonly #upsert;
  readonly #find;
  readonly #groups;

  constructor(db: Database) {
    this.#db = db;
    this.#upsert = db.sql.prepare<{ jid: string; name: string | null; at: string | null; isGroup: number }>(`
      INSERT INTO chats (jid, name, last_message_time, is_group) VALUES (@jid, @name, @at, @isGroup)
      ON CONFLICT (jid) DO UPDATE SET
        name = COALESCE(excluded.name, name),
        last_message_time = MAX(COALESCE(last_message_time, ''), COALESCE(excluded.last_message_time, '')),
        is_group = excluded.is_group
      WHERE COALESCE(excluded.name, name) IS NOT name OR is_group <> excluded.is_group
         OR COALESCE(excluded.last_message_time, '') > COALESCE(last_message_time, '')`);
    this.#find = db.sql.prepare<[string], ChatRow>(`SELECT ${COLUMNS} FROM chats WHERE jid = ?`);
    this.#groups = db.sql.prepare<[], ChatRow>(
      `SELECT ${COLUMNS} FROM chats WHERE is_group = 1 ORDER BY last_message_time DESC, jid`,
    );
  }

  /** Notes that a chat exists, its newest name, and that something happened there. Never goes back in time. */
  note(chat: {
    jid: string;
    name?: string | undefined;
    lastActivity?: number | undefined;
    isGroup: boolean;
  }): void {
    const known = this.find(chat.jid);
    this.#upsert.run({
      jid: chat.jid,
      name: chat.name ?? null,
      at: chat.lastActivity === undefined ? null : new Date(chat.lastActivity).toISOString(),
      isGroup: chat.isGroup ? 1 : 0,
    });
    // The hour of the last message alone is no news for those who list groups.
    const renamed = known?.name !== (chat.name ?? known?.name);
    if (chat.isGroup && (known === undefined || !known.isGroup || renamed)) this.#db.ring('groups');
  }

  find(jid: string): Chat | undefined {
    const row = this.#find.get(jid);
    return row === undefined ? undefined : { ...row, isGroup: row.isGroup === 1 };
  }

  /** All group chats, the most recently active first. */
  groups(): readonly Chat[] {
    return this.#groups.all().map((row) => ({ ...row, isGroup: true }));
  }
}
