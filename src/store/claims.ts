import type { MailboxResult } from '../protocol/host-files.ts';
import type { MailboxOperation } from '../protocol/mailbox.ts';
import type { Database } from './database.ts';

/** A mailbox file's effect, keyed by the id of its claim: one that is here is never done again. */
export interface Claim {
  readonly claimId: string;
  readonly folder: string;
  /** The run that was going in the folder when the file was taken. */
  readonly runId: string | undefined;
  readonly operation: MailboxOperation | 'refused';
  readonly requestId: string | undefined;
  readonly result: MailboxResult;
  /** Whether it changed anything: then its run is never run again. */
  readonly changed: boolean;
}

export class Claims {
  readonly #insert;
  readonly #find;

  constructor(db: Database) {
    this.#insert = db.sql.prepare(`
      INSERT INTO mailbox_claims (claim_id, group_folder, run_id, operation, request_id, result, changed, at)
      VALUES (@claimId, @folder, @runId, @operation, @requestId, @result, @changed, @at)`);
    this.#find = db.sql.prepare<[string], { folder: string; requestId: string | null; result: string }>(
      'SELECT group_folder AS folder, request_id AS requestId, result FROM mailbox_claims WHERE claim_id = ?',
    );
  }

  add(claim: Claim, at: number): void {
    this.#insert.run({
      claimId: claim.claimId,
      folder: claim.folder,
      runId: claim.runId ?? null,
      operation: claim.operation,
      requestId: claim.requestId ?? null,
      result: JSON.stringify(claim.result),
      changed: claim.changed ? 1 : 0,
      at: new Date(at).toISOString(),
    });
  }

  /** The answer that a claim's effect left, to be written again after a crash. */
  find(claimId: string): { readonly requestId: string | null; readonly result: MailboxResult } | undefined {
    const row = this.#find.get(claimId);
    return row === undefined
      ? undefined
      : { requestId: row.requestId, result: JSON.parse(row.result) as MailboxResult };
  }
}
