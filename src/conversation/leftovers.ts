import type { AgentRunner } from '../agent/agent.ts';
import type { Log } from '../log.ts';
import { isPassing } from '../machine-trouble.ts';
import type { Run } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { takenUpTo } from './dialogue.ts';
import { hostFailure } from './notices.ts';
import type { Outcome, Settlement } from './settlement.ts';
import { UnsettledTurnError } from './turn.ts';

export interface LeftoversOptions {
  readonly store: Store;
  readonly agent: Pick<AgentRunner, 'hasTaken'>;
  readonly settlement: Settlement;
  readonly log: Log;
  /** Rejects when not all of the folder's mailbox can be taken just now. */
  readonly drainMailbox: (folder: string) => Promise<void>;
}

/** Runs on which nobody works any more and that nobody has settled: a crash cut them off, or the host itself failed (a full disk, say). */
export class Leftovers {
  readonly #options: LeftoversOptions;
  /** Why runs of this process were left over, by their ids. */
  readonly #failures = new Map<string, unknown>();

  constructor(options: LeftoversOptions) {
    this.#options = options;
  }

  /** The host failed at a run of this process. */
  add(runId: string, error: unknown): void {
    this.#failures.set(runId, error);
  }

  /** The folders that have some. @param isBusy whether somebody works on the runs of a folder */
  folders(isBusy: (folder: string) => boolean): ReadonlySet<string> {
    const folders = this.#options.store.runs.running().map(({ folder }) => folder);
    return new Set(folders.filter((folder) => !isBusy(folder)));
  }

  /**
   * Settles those of a folder. What a run has done is known only when all that it left in its mailbox has been taken.
   * @throws when the machine does not let it be done just now
   */
  async settle(folder: string, exitReason: 'host_crashed' | 'host_failed'): Promise<void> {
    const { store, log, drainMailbox } = this.#options;
    await drainMailbox(folder);
    for (const left of store.runs.running().filter((run) => run.folder === folder)) {
      const run = { ...left, lastSeq: await takenUpTo(this.#options, left) };
      const outcome = this.#settleOne(run, exitReason);
      this.#failures.delete(run.id);
      log.warn({ group: folder, run: run.id, outcome, reason: exitReason }, 'Turn was interrupted');
    }
  }

  /** A machine without room is no fault of the run's: it goes again as often as that takes. */
  #settleOne(run: Run, exitReason: string): Outcome {
    const { settlement } = this.#options;
    const failure = this.#failures.get(run.id);
    const { cause, logFile } =
      failure instanceof UnsettledTurnError ? failure : { cause: failure, logFile: undefined };
    const end = { exitReason, logFile };
    if (cause === undefined) return settlement.interrupt(run, end);
    const told = hostFailure(cause);
    return isPassing(cause) ? settlement.interrupt(run, end, told.detail) : settlement.fail(run, end, told);
  }
}
