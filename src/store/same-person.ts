import type { Database } from './database.ts';

/** The address that is used now for a person or a direct chat, as an expression of SQL. @param jid a column or a parameter */
export function currentJid(jid: string): string {
  return `COALESCE((SELECT to_jid FROM same_person WHERE from_jid = ${jid}), ${jid})`;
}

interface Pair {
  readonly from: string;
  readonly to: string;
}

interface Registration {
  readonly jid: string;
  readonly folder: string;
  readonly isMain: number | null;
}

/** What simply bears the other address from now on. */
const RENAMED = [
  "UPDATE runs SET chat_jid = @to WHERE kind = 'chat' AND chat_jid = @from",
  "UPDATE runs SET chat_jid = @to WHERE kind = 'task' AND chat_jid = @from",
  'UPDATE outbox SET chat_jid = @to WHERE chat_jid = @from',
  'UPDATE scheduled_tasks SET chat_jid = @to WHERE chat_jid = @from',
  'UPDATE attachments SET chat_jid = @to WHERE chat_jid = @from',
] as const;

/** A chat that both addresses have is one, with what is known of either. */
const CHAT = [
  'UPDATE OR IGNORE chats SET jid = @to WHERE jid = @from',
  `UPDATE chats SET
     name = COALESCE(name, (SELECT name FROM chats WHERE jid = @from)),
     last_message_time = NULLIF(MAX(COALESCE(last_message_time, ''),
       COALESCE((SELECT last_message_time FROM chats WHERE jid = @from), '')), '')
   WHERE jid = @to AND EXISTS (SELECT 1 FROM chats WHERE jid = @from)`,
  'DELETE FROM chats WHERE jid = @from',
] as const;

/** The cursor stands before the first message of either chat that is not answered; what either has answered waits no more. */
const CURSOR = [
  `UPDATE messages SET is_trigger = 0, is_context = 1 WHERE chat_jid = @from
     AND seq <= (SELECT CAST(value AS INTEGER) FROM router_state WHERE key = 'cursor:' || @from)`,
  `UPDATE messages SET is_trigger = 0, is_context = 1 WHERE chat_jid = @to
     AND seq <= (SELECT CAST(value AS INTEGER) FROM router_state WHERE key = 'cursor:' || @to)
     AND EXISTS (SELECT 1 FROM messages WHERE chat_jid = @from)`,
  `INSERT INTO router_state (key, value)
   SELECT 'cursor:' || @to, CAST(COALESCE(
     (SELECT MIN(m.seq) - 1 FROM messages m WHERE m.chat_jid IN (@from, @to) AND m.seq > COALESCE(
       (SELECT CAST(value AS INTEGER) FROM router_state WHERE key = 'cursor:' || m.chat_jid), 0)),
     (SELECT MAX(CAST(value AS INTEGER)) FROM router_state WHERE key IN ('cursor:' || @from, 'cursor:' || @to))) AS TEXT)
   WHERE EXISTS (SELECT 1 FROM router_state WHERE key IN ('cursor:' || @from, 'cursor:' || @to))
   ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  "DELETE FROM router_state WHERE key = 'cursor:' || @from",
] as const;

/** A message that is there under both addresses stays once, with the files of either. */
const THE_SAME_MESSAGE = `FROM messages AS gone JOIN messages AS kept ON kept.id = gone.id
    AND kept.chat_jid = CASE gone.chat_jid WHEN @from THEN @to ELSE gone.chat_jid END
    AND kept.sender = CASE gone.sender WHEN @from THEN @to ELSE gone.sender END
    AND kept.seq <> gone.seq`;
function messagesWhere(where: string): readonly string[] {
  return [
    `UPDATE attachments SET chat_jid = found.chat_jid, message_seq = found.seq
     FROM (SELECT gone.seq AS old_seq, kept.seq, kept.chat_jid ${THE_SAME_MESSAGE} WHERE ${where}) AS found
     WHERE message_seq = found.old_seq`,
    `DELETE FROM messages WHERE seq IN (SELECT gone.seq ${THE_SAME_MESSAGE} WHERE ${where})`,
    `UPDATE OR REPLACE messages AS gone SET
       chat_jid = CASE chat_jid WHEN @from THEN @to ELSE chat_jid END,
       sender = CASE sender WHEN @from THEN @to ELSE sender END
     WHERE ${where}`,
  ];
}

const GROUP_CHATS = 'SELECT jid FROM chats WHERE is_group = 1';

const MEMBER = [
  'UPDATE OR IGNORE group_members SET person_jid = @to WHERE person_jid = @from',
  `UPDATE group_members AS kept SET name = COALESCE(kept.name, gone.name), is_admin = MAX(kept.is_admin, gone.is_admin)
   FROM group_members AS gone
   WHERE kept.person_jid = @to AND gone.person_jid = @from AND gone.chat_jid = kept.chat_jid`,
  'DELETE FROM group_members WHERE person_jid = @from',
] as const;

/** For a chat that is known under the old address. */
const OF_CHAT = [
  ...CURSOR,
  ...messagesWhere('gone.chat_jid = @from'),
  ...messagesWhere('gone.chat_jid = @to AND gone.sender = @from'),
  ...CHAT,
  ...RENAMED,
];

/** For who wrote in a group under the old address. */
const OF_WRITER = messagesWhere(`gone.chat_jid IN (${GROUP_CHATS}) AND gone.sender = @from`);

/** Addresses that turned out to be other names of a person and of the direct chat with them. */
export class SamePerson {
  readonly #db: Database;
  readonly #find;
  readonly #registered;
  readonly #unlearn;
  readonly #follow;
  readonly #learn;
  readonly #rename;
  readonly #unregister;
  readonly #moveTasks;
  readonly #moveQueued;
  readonly #pauseTasks;
  readonly #knowsChat;
  readonly #ofChat;
  readonly #wrote;
  readonly #ofWriter;
  readonly #ofMember;

  constructor(db: Database) {
    this.#db = db;
    const prepare = (statement: string) => db.sql.prepare<Pair>(statement);
    this.#find = db.sql.prepare<{ jid: string }, { jid: string }>(`SELECT ${currentJid('@jid')} AS jid`);
    this.#registered = db.sql.prepare<[string], Registration>(
      'SELECT jid, folder, is_main AS isMain FROM registered_groups WHERE jid = ?',
    );
    this.#unlearn = db.sql.prepare<{ to: string }>('DELETE FROM same_person WHERE from_jid = @to');
    this.#follow = prepare('UPDATE same_person SET to_jid = @to WHERE to_jid = @from');
    this.#learn = prepare('INSERT OR REPLACE INTO same_person (from_jid, to_jid) VALUES (@from, @to)');
    this.#rename = prepare('UPDATE registered_groups SET jid = @to WHERE jid = @from');
    this.#unregister = db.sql.prepare<[string]>('DELETE FROM registered_groups WHERE jid = ?');
    this.#moveTasks = prepare('UPDATE scheduled_tasks SET group_folder = @to WHERE group_folder = @from');
    this.#moveQueued = prepare(
      "UPDATE runs SET group_folder = @to WHERE status IN ('queued', 'running') AND status = 'queued' AND group_folder = @from",
    );
    this.#pauseTasks = db.sql.prepare<[string]>(
      "UPDATE scheduled_tasks SET status = 'paused' WHERE group_folder = ? AND status = 'active'",
    );
    this.#knowsChat = db.sql.prepare<{ from: string }>(`
      SELECT 1 FROM chats WHERE jid = @from UNION ALL SELECT 1 FROM messages WHERE chat_jid = @from LIMIT 1`);
    this.#ofChat = OF_CHAT.map(prepare);
    this.#wrote = db.sql.prepare<{ from: string }>(`
      SELECT 1 FROM messages WHERE chat_jid IN (${GROUP_CHATS}) AND sender = @from LIMIT 1`);
    this.#ofWriter = OF_WRITER.map(prepare);
    this.#ofMember = MEMBER.map(prepare);
  }

  /** The address that is used for a person now: another one, or the same. */
  current(jid: string): string {
    return this.#find.get({ jid })?.jid ?? jid;
  }

  /**
   * All that is stored under `from` belongs to `to` from now on; to be told again is harmless.
   * @returns the folder of a group that was given up because the chat was registered under both addresses
   */
  merge(from: string, to: string): string | undefined {
    if (from === to) return undefined;
    return this.#db.transaction(() => {
      const pair = { from, to };
      this.#unlearn.run({ to });
      this.#follow.run(pair);
      this.#learn.run(pair);
      const isRegistered = this.#registered.get(from) !== undefined;
      const givenUp = this.#mergeRegistrations(pair);
      // Hundreds of addresses may come at a time, of people of whom nothing is stored yet.
      const steps = [
        ...this.#ofMember,
        ...(this.#wrote.get({ from }) === undefined ? [] : this.#ofWriter),
        ...(isRegistered || this.#knowsChat.get({ from }) !== undefined ? this.#ofChat : []),
      ];
      const changes = steps.reduce((sum, step) => sum + step.run(pair).changes, 0);
      if (changes === 0 && !isRegistered) return givenUp;
      for (const bell of ['groups', 'messages', 'tasks', 'outbox'] as const) this.#db.ring(bell);
      return givenUp;
    });
  }

  /** One registration stays: the main channel's, else that of the address that stays. */
  #mergeRegistrations(pair: Pair): string | undefined {
    const from = this.#registered.get(pair.from);
    const to = this.#registered.get(pair.to);
    if (from === undefined) return undefined;
    const [kept, gone] = to === undefined ? [from, undefined] : from.isMain ? [from, to] : [to, from];
    if (gone !== undefined) {
      this.#unregister.run(gone.jid);
      const folders = { from: gone.folder, to: kept.folder };
      // What another chat's agent has set must not run with the rights of main.
      if (kept.isMain) this.#pauseTasks.run(gone.folder);
      else {
        this.#moveTasks.run(folders);
        this.#moveQueued.run(folders);
      }
    }
    this.#rename.run(pair);
    return gone?.folder;
  }
}
