import type { Database } from './database.ts';

/** A file in `input/` that a running sandbox was given. */
export interface FollowUp {
  /** Its leaf name. */
  readonly file: string;
  /** The last message that stands in it. */
  readonly lastSeq: number;
}

/**
 * What running sandboxes were given beside their prompt. The file is written before its row, under a name that the agent does not
 * read, and shown to the agent after it: what an agent may have read has a row, and a row without any file means that the agent took it.
 */
export class FollowUps {
  readonly #insert;
  readonly #ofRun;

  constructor(db: Database) {
    this.#insert = db.sql.prepare<{ runId: string; file: string; lastSeq: number }>(
      'INSERT INTO follow_ups (run_id, file, last_seq) VALUES (@runId, @file, @lastSeq)',
    );
    this.#ofRun = db.sql.prepare<[string], FollowUp>(
      'SELECT file, last_seq AS lastSeq FROM follow_ups WHERE run_id = ? ORDER BY seq',
    );
  }

  add(runId: string, { file, lastSeq }: FollowUp): void {
    this.#insert.run({ runId, file, lastSeq });
  }

  /** In the order in which they were given. */
  ofRun(runId: string): readonly FollowUp[] {
    return this.#ofRun.all(runId);
  }
}
