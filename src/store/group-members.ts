import type { Member } from '../channel/channel.ts';
import type { Database } from './database.ts';

interface MemberRow {
  readonly jid: string;
  readonly name: string | null;
  readonly isAdmin: number;
}

/** Who came to and left a group since its list was stored last. */
export interface MembersChange {
  readonly joined: readonly Member[];
  readonly left: readonly Member[];
}

/** Who is in which group, as the platform told it last. */
export class GroupMembers {
  readonly #db: Database;
  readonly #of;
  readonly #count;
  readonly #put;
  readonly #remove;
  readonly #groups;
  readonly #name;

  constructor(db: Database) {
    this.#db = db;
    this.#of = db.sql.prepare<[string], MemberRow>(
      'SELECT person_jid AS jid, name, is_admin AS isAdmin FROM group_members WHERE chat_jid = ? ORDER BY name IS NULL, name, jid',
    );
    this.#count = db.sql.prepare<[string], { count: number }>(
      'SELECT COUNT(*) AS count FROM group_members WHERE chat_jid = ?',
    );
    this.#put = db.sql.prepare<{ chatJid: string; jid: string; name: string | null; isAdmin: number }>(`
      INSERT INTO group_members (chat_jid, person_jid, name, is_admin) VALUES (@chatJid, @jid, @name, @isAdmin)
      ON CONFLICT (chat_jid, person_jid) DO UPDATE SET name = COALESCE(excluded.name, name), is_admin = excluded.is_admin`);
    this.#groups = db.sql.prepare<[], { jid: string }>('SELECT DISTINCT chat_jid AS jid FROM group_members');
    this.#name = db.sql.prepare<{ chatJid: string; jid: string; name: string }>(
      'UPDATE group_members SET name = @name WHERE chat_jid = @chatJid AND person_jid = @jid AND name IS NOT @name',
    );
    this.#remove = db.sql.prepare<[string, string]>(
      'DELETE FROM group_members WHERE chat_jid = ? AND person_jid = ?',
    );
  }

  /** By name. */
  of(chatJid: string): readonly Member[] {
    return this.#of.all(chatJid).map(({ jid, name, isAdmin }) => ({
      jid,
      ...(name !== null && { name }),
      isAdmin: isAdmin === 1,
    }));
  }

  /** The groups of which somebody is known. */
  groups(): readonly string[] {
    return this.#groups.all().map(({ jid }) => jid);
  }

  /** What a member calls themselves, as their messages tell it. */
  noteName(chatJid: string, jid: string, name: string): void {
    this.#name.run({ chatJid, jid, name });
  }

  count(chatJid: string): number {
    return this.#count.get(chatJid)?.count ?? 0;
  }

  /**
   * Stores the whole list of a group; a name that is known already is kept where the list has none.
   * @returns who is new in it and who is not there any more; undefined: it is the first list of this group
   */
  replace(chatJid: string, members: readonly Member[]): MembersChange | undefined {
    return this.#db.transaction(() => {
      const before = this.of(chatJid);
      const known = new Map(before.map((member) => [member.jid, member]));
      const present = new Set(members.map(({ jid }) => jid));
      const joined = members.filter(({ jid }) => !known.has(jid));
      const left = before.filter(({ jid }) => !present.has(jid));
      for (const { jid, name, isAdmin } of members) {
        const old = known.get(jid);
        if (old !== undefined && old.isAdmin === isAdmin && (name ?? old.name) === old.name) continue;
        this.#put.run({ chatJid, jid, name: name ?? null, isAdmin: isAdmin ? 1 : 0 });
      }
      for (const { jid } of left) this.#remove.run(chatJid, jid);
      if (joined.length + left.length > 0) this.#db.ring('groups');
      return before.length === 0 ? undefined : { joined, left };
    });
  }
}
