import type { NewId } from '../clock.ts';
import type { Provider } from '../protocol/provider.ts';
import type { Run, RunEnd } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import {
  type Asked,
  type Failure,
  failureElsewhere,
  failureInMain,
  failureNotice,
  interruptedNotice,
  SESSION_LOST_NOTICE,
  suspectNotice,
} from './notices.ts';
import { nextTry } from './retries.ts';

/** What became of a run: it runs again, it is closed, or it had answered everything before and counts as successful. */
export type Outcome = 'again' | 'closed' | 'answered';

/**
 * How a run ends in the database, each time in one transaction.
 * - It went well: the cursor moves over its messages; a task's result is noted.
 * - It had answered everything that its agent had taken: it succeeded, however its sandbox ended.
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

  /** @param result the last answer; absent: there was none, or what followed it was lost */
  fail(run: Run, end: Omit<RunEnd, 'status' | 'error'>, failure: Failure, result?: string): Outcome {
    return this.#store.transaction(() => {
      if (result !== undefined && this.#wasAnswered(run))
        return this.#endAnswered(run, end, failure.detail, result);
      if (!this.#end(run, { ...end, status: 'failed', error: failure.detail }, undefined)) return 'closed';
      const effects = this.#store.runs.leftEffects(run.id);
      if (failure.retryable && !effects && this.#again(run)) return 'again';
      this.#closeFailed(run, failure, end.logFile);
      return 'closed';
    });
  }

  /**
   * A host that stops or stopped cut the run off, or a machine without room.
   * @param error for the run's row
   */
  interrupt(run: Run, end: Omit<RunEnd, 'status' | 'error'>, error = 'the host stopped'): Outcome {
    return this.#store.transaction(() => {
      if (this.#wasAnswered(run)) return this.#endAnswered(run, end, error);
      if (!this.#end(run, { ...end, status: 'interrupted', error }, undefined)) return 'closed';
      if (this.#store.runs.leftEffects(run.id))
        this.#close(run, interruptedNotice(this.#asked(run), this.#isGroup(run)));
      else if (this.#again(run)) return 'again';
      else this.#close(run, suspectNotice(this.#asked(run), this.#isGroup(run)));
      return 'closed';
    });
  }

  /** The messages that a run was to answer were deleted: it is closed without a word. */
  withdraw(run: Run, end: Omit<RunEnd, 'status' | 'error' | 'exitReason'>): void {
    const withdrawn = { ...end, exitReason: 'withdrawn', error: 'its messages were deleted' };
    this.#store.transaction(() => {
      if (this.#end(run, { ...withdrawn, status: 'interrupted' }, undefined)) this.#close(run);
    });
  }

  /** The run starts again with a new session. */
  loseSession(
    run: Run,
    end: Omit<RunEnd, 'status' | 'error'>,
    provider: Provider,
    failure: Failure,
  ): Outcome {
    return this.#store.transaction(() => {
      this.#store.sessions.remove(run.folder, provider);
      if (this.#wasAnswered(run)) return this.#endAnswered(run, end, failure.detail);
      if (!this.#end(run, { ...end, status: 'interrupted', error: failure.detail }, undefined))
        return 'closed';
      if (this.#store.runs.leftEffects(run.id) || !this.#again(run)) {
        this.#closeFailed(run, failure, end.logFile);
        return 'closed';
      }
      // Nobody's effect: the run that follows is free to run.
      this.#notify({ chatJid: run.chatJid }, SESSION_LOST_NOTICE);
      return 'again';
    });
  }

  /** Whether an answer was stored, and after the agent had taken the last of its messages. */
  #wasAnswered({ id, chatJid, lastSeq }: Run): boolean {
    const { runs, messages } = this.#store;
    return runs.wasAnswered(id) && (lastSeq === null || messages.cursor(chatJid) >= lastSeq);
  }

  #endAnswered(
    run: Run,
    end: Omit<RunEnd, 'status' | 'error'>,
    error: string,
    result?: string,
  ): Extract<Outcome, 'answered'> {
    this.#end(run, { ...end, status: 'succeeded', error }, result);
    return 'answered';
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

  /** The chat is notified in plain words; the cause and the log's name go to the main channel. */
  #closeFailed(run: Run, failure: Failure, logFile: string | undefined): void {
    const { groups, chats } = this.#store;
    const { chatJid } = run;
    const [asked, isGroup, main] = [this.#asked(run), this.#isGroup(run), groups.main()];
    const isMain = main?.jid === chatJid;
    const notice = isMain
      ? failureInMain(failure, asked, isGroup, logFile)
      : failureNotice(failure, asked, isGroup);
    this.#close(run, notice);
    if (isMain || main === undefined) return;
    const chat = groups.find(chatJid)?.name ?? chats.find(chatJid)?.name ?? chatJid;
    const what = run.kind === 'task' ? 'task' : 'answer';
    this.#notify({ chatJid: main.jid }, failureElsewhere(failure, chat, what, logFile));
  }

  /** The messages that a run was to answer and that nothing has answered yet. To be asked before the cursor moves. */
  #asked({ chatJid, firstSeq, lastSeq }: Run): readonly Asked[] {
    if (firstSeq === null || lastSeq === null) return [];
    const { messages, groups } = this.#store;
    const first = Math.max(firstSeq, messages.cursor(chatJid) + 1);
    return messages.triggers(chatJid, first, lastSeq, groups.find(chatJid)?.requiresTrigger ?? true);
  }

  #isGroup({ chatJid }: Run): boolean {
    return this.#store.chats.find(chatJid)?.isGroup === true;
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
