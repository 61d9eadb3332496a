import type { Provider } from '../protocol/provider.ts';
import type { Database } from './database.ts';

export interface Session {
  readonly sessionId: string;
  /** Claude: where a resume is anchored. */
  readonly resumeAt: string | null;
}

/** The agent session of each group and provider. A row that an operator deletes simply starts a new one. */
export class Sessions {
  readonly #db: Database;
  readonly #find;
  readonly #save;
  readonly #remove;
  readonly #all;
  readonly #clear;
  #clears = 0;

  constructor(db: Database) {
    this.#db = db;
    this.#clear = db.sql.prepare('DELETE FROM sessions');
    this.#find = db.sql.prepare<[string, string], Session>(
      'SELECT session_id AS sessionId, resume_at AS resumeAt FROM sessions WHERE group_folder = ? AND provider = ?',
    );
    this.#save = db.sql.prepare<[string, string, string, string | null]>(`
      INSERT INTO sessions (group_folder, provider, session_id, resume_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (group_folder, provider) DO UPDATE SET
        resume_at = CASE WHEN excluded.session_id = session_id THEN COALESCE(excluded.resume_at, resume_at)
                         ELSE excluded.resume_at END,
        session_id = excluded.session_id`);
    this.#remove = db.sql.prepare<[string, string]>(
      'DELETE FROM sessions WHERE group_folder = ? AND provider = ?',
    );
    this.#all = db.sql.prepare<[], Session & { readonly folder: string; readonly provider: string }>(
      'SELECT group_folder AS folder, provider, session_id AS sessionId, resume_at AS resumeAt FROM sessions ORDER BY 1, 2',
    );
  }

  find(folder: string, provider: Provider): Session | undefined {
    return this.#find.get(folder, provider);
  }

  save(
    folder: string,
    provider: Provider,
    session: { sessionId: string; resumeAt?: string | undefined },
  ): void {
    this.#save.run(folder, provider, session.sessionId, session.resumeAt ?? null);
    this.#db.ring('sessions');
  }

  /** How often this process has cleared all sessions: a turn from before a clear keeps none. */
  get clears(): number {
    return this.#clears;
  }

  /** Every group's next turn starts a new session. @returns how many there were */
  clear(): number {
    const { changes } = this.#clear.run();
    this.#clears += 1;
    this.#db.ring('sessions');
    return changes;
  }

  /** The group's next turn with this provider starts a new session. */
  remove(folder: string, provider: Provider): void {
    this.#remove.run(folder, provider);
    this.#db.ring('sessions');
  }

  all(): readonly (Session & { readonly folder: string; readonly provider: string })[] {
    return this.#all.all();
  }
}
