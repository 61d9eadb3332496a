import { readFile } from 'node:fs/promises';
import BetterSqlite3 from 'better-sqlite3';
import type { Paths } from '../../src/paths.ts';
import { readLogInstants } from './log-instants.ts';

/** An answer as the phone saw it; instants in milliseconds since the epoch. */
export interface TimedAnswer {
  readonly wireId: string;
  readonly typedAt: number;
  readonly shownAt: number;
}

/** Milliseconds of one turn. The stages up to `shown` follow one another; `acked` ends beside `shown`. */
export interface Stages {
  readonly total: number;
  readonly claimed: number;
  readonly started: number;
  readonly firstFrame: number;
  readonly committed: number;
  readonly shown: number;
  readonly acked: number;
}

/** Each stage with what it goes from and to. */
export const STAGES = [
  ['claimed', '  typed → message committed and its turn claimed'],
  ['started', '  claimed → sandbox started'],
  ['firstFrame', '  sandbox started → first frame handled (the session)'],
  ['committed', '  first frame → answer committed to the outbox'],
  ['shown', '  answer committed → shown on the phone'],
  ['acked', '  answer committed → the server’s ack is committed'],
] as const satisfies readonly (readonly [keyof Stages, string])[];

interface Instants {
  readonly runId: string;
  readonly claimedAt: string;
  readonly committedAt: string;
  readonly ackedAt: string | null;
}

/** Finds out from the host's database and log where the time of each answer went. */
export async function readStages(paths: Paths, answers: readonly TimedAnswer[]): Promise<readonly Stages[]> {
  const log = readLogInstants(await readFile(paths.log, 'utf8'));
  const database = new BetterSqlite3(paths.database, { readonly: true });
  try {
    const find = database.prepare<[string], Instants>(`
      SELECT r.id AS runId, r.started_at AS claimedAt, o.created_at AS committedAt, o.settled_at AS ackedAt
      FROM outbox o JOIN runs r ON r.id = o.run_id WHERE o.wire_id = ?`);
    return answers.map((answer) => {
      const row = find.get(answer.wireId);
      if (row === undefined) throw new Error(`The host's database knows no answer ${answer.wireId}`);
      const told = log.get(row.runId);
      if (told?.sandboxStarted === undefined || told.firstFrame === undefined)
        throw new Error(`The host's log does not tell when the sandbox of run ${row.runId} started`);
      const claimed = Date.parse(row.claimedAt);
      const committed = Date.parse(row.committedAt);
      if (row.ackedAt === null)
        throw new Error(`The server's ack of ${answer.wireId} is not in the database`);
      return {
        total: answer.shownAt - answer.typedAt,
        claimed: claimed - answer.typedAt,
        started: told.sandboxStarted - claimed,
        firstFrame: told.firstFrame - told.sandboxStarted,
        committed: committed - told.firstFrame,
        shown: answer.shownAt - committed,
        acked: Date.parse(row.ackedAt) - committed,
      };
    });
  } finally {
    database.close();
  }
}
