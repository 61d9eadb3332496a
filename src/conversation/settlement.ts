import type { NewId } from '../clock.ts';
import type { Provider } from '../protocol/provider.ts';
import type { Run, RunEnd } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import {
  type Failure,
  failureNotice,
  INTERRUPTED_NOTICE,
  SESSION_LOST_NOTICE,
  SUSPECT_NOTICE,
} from './notices.ts';
import { nextTry } from './retries.ts';

/**
 * How a run ends in the database, each time in one transaction.
 * - It went well: the cursor moves over its messages; a task's result is noted.
 * - It failed or was interrupted and left effects: it is closed and never run again; the chat is told.
 * - It failed and left none: it is tried again, until the tries are used up or another one cannot heal it; then the chat is
 *   told, in the transaction in which the cursor moves.
 * - It was interrupted and left none: it runs again.
 * - It had ended already: nothing happens. A run ends once, whoever ends it.
 * - The agent's session could not be resumed: the session is dropped, the chat is told, and the run goes again at once.
 */
export class Settlement {
  readonly #store: Store;
  readonly #newId: NewId;
  readonly #now: () => number;
  readonly #retryDelaysMs: readonly number[];

  constructor(store: Store, newId: NewId, now: () => number, retryDelaysMs: readonly number[]) {
    this.#store = store;
    this.#newId = newId;
    this.#now = now;
    this.#retryDelaysMs = retryDelaysMs;
  }

  succeed(run: Run, end: Omit<RunEnd, 'status' | 'error'>, result: string | undefined): void {
    this.#store.transaction(() => {
      if (this.#end(run, { ...end, status: 'succeeded', error: undefined }, result)) this.#close(run);
    });
  }

  /** @returns whether it will be tried again */
  fail(run: Run, end: Omit<RunEnd, 'status' | 'error'>, failure: Failure): boolean {
    return this.#store.transaction(() => {
      if (!this.#end(run, { ...end, status: 'failed', error: failure.detail }, undefined)) return false;
      const effects = this.#store.runs.leftEffects(run.id);
      if (failure.retryable && !effects && this.#again(run)) return true;
      this.#close(run, failureNotice(failure, end.logFile));
      return false;
    });
  }

  /**
   * A host that stops or stopped cut the run off, or a machine without room.
   * @param error for the run's row
   * @returns whether it will run again
   */
  interrupt(run: Run, end: Omit<RunEnd, 'status' | 'error'>, error = 'the host stopped'): boolean {
    return this.#store.transaction(() => {
      if (!this.#end(run, { ...end, status: 'interrupted', error }, undefined)) return false;
      if (!this.#store.runs.leftEffects(run.id)) {
        if (this.#again(run)) return true;
        this.#close(run, SUSPECT_NOTICE);
      } else this.#close(run, this.#wasAnswered(run) ? undefined : INTERRUPTED_NOTICE);
      return false;
    });
  }

  /** @returns whether it will run again, with a new session */
  loseSession(
    run: Run,
    end: Omit<RunEnd, 'status' | 'error'>,
    provider: Provider,
    failure: Failure,
  ): boolean {
    return this.#store.transaction(() => {
      this.#store.sessions.remove(run.folder, provider);
      if (!this.#end(run, { ...end, status: 'interrupted', error: failure.detail }, undefined)) return false;
      if (this.#store.runs.leftEffects(run.id) || !this.#again(run)) {
        this.#close(run, failureNotice(failure, end.logFile));
        return false;
      }
      // Nobody's effect: the run that follows is free to run.
      this.#notify({ chatJid: run.chatJid }, SESSION_LOST_NOTICE);
      return true;
    });
  }

  /** Whether an answer was stored, and after the agent had taken the last of its messages. */
  #wasAnswered({ id, chatJid, lastSeq }: Run): boolean {
    const { outbox, followUps, messages } = this.#store;
    if (!outbox.hasReply(id)) return false;
    return followUps.ofRun(id).length === 0 || messages.cursor(chatJid) >= (lastSeq ?? 0);
  }

  /** @returns false when the run had ended already: what followed from that stands */
  #end(run: Run, end: RunEnd, result: string | undefined): boolean {
    const now = this.#now();
    if (!this.#store.runs.end(run.id, end, now)) return false;
    if (run.taskId === null) return true;
    const startedAt = Date.parse(run.startedAt ?? '') || now;
    const outcome = end.status === 'succeeded' ? (result ?? 'done') : `Error: ${end.error ?? end.exitReason}`;
    this.#store.tasks.logRun({
      taskId: run.taskId,
      runAt: startedAt,
      durationMs: now - startedAt,
      status: end.status === 'succeeded' ? 'success' : 'error',
      result: result ?? null,
      error: end.error ?? null,
    });
    this.#store.tasks.change(run.taskId, { lastResult: outcome.slice(0, 200) });
    return true;
  }

  /** Arranges another try, if there is one left. Messages wait by themselves: their cursor has not moved. */
  #again(run: Run): boolean {
    const { runs } = this.#store;
    if (run.taskId === null || run.slot === null) {
      if (run.firstSeq === null) return false;
      return nextTry(runs.tries(run.chatJid, run.firstSeq), this.#retryDelaysMs).kind === 'at';
    }
    const next = nextTry(runs.slotTries(run.taskId, run.slot), this.#retryDelaysMs);
    if (next.kind === 'never') return false;
    const { folder, chatJid, taskId, slot } = run;
    runs.queueTask(
      { id: this.#newId(), folder, chatJid, taskId, slot, attempt: next.attempt, notBefore: next.time },
      this.#now(),
    );
    return true;
  }

  #close(run: Run, notice?: string): void {
    if (run.lastSeq !== null) this.#store.messages.moveCursor(run.chatJid, run.lastSeq);
    if (notice !== undefined) this.#notify(run, notice);
  }

  #notify({ chatJid, id }: { readonly chatJid: string; readonly id?: string }, text: string): void {
    this.#store.outbox.add(
      { chatJid, message: { kind: 'text', text }, source: 'notice', runId: id },
      this.#now(),
    );
  }
}
