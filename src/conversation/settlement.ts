import type { Quoted } from '../channel/channel.ts';
import { type NewId, parseInstant } from '../clock.ts';
import { cutText } from '../protocol/graphemes.ts';
import type { Provider } from '../protocol/provider.ts';
import { MODEL_UNAVAILABLE, type Run, type RunEnd } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { quoteOf } from '../text/messages.ts';
import {
  type Asked,
  type Failure,
  failureElsewhere,
  failureInMain,
  failureNotice,
  interruptedNotice,
  outageNotice,
  SESSION_LOST_NOTICE,
  suspectNotice,
} from './notices.ts';
import { isOutageTold, nextTry, outageOf, type RetryTimings } from './retries.ts';
import { taskFailed, taskSucceeded } from './task-failures.ts';

/** What became of a run: it runs again, it is closed, or it had answered everything before and counts as successful. */
export type Outcome = 'again' | 'closed' | 'answered';

/**
 * How a run ends in the database, each time in one transaction.
 * - It went well: the cursor moves over its messages; a task's result is noted.
 * - It had answered everything that its agent had taken: it succeeded, however its sandbox ended.
 * - It failed or was interrupted and left effects: it is closed and never run again; the chat is told.
 * - The model's service was away and it left none: it waits, and the chat is told once.
 * - It failed and left none: it is tried again, until the tries are used up or another one cannot heal it; then the chat is
 *   told, in the transaction in which the cursor moves. A task's chat is told once of one error, and of its
 *   pause.
 * - It was interrupted and left none: it runs again.
 * - It had ended already: nothing happens. A run ends once, whoever ends it.
 * - The agent's session could not be resumed: the session is dropped, the chat is told, and the run goes again at once.
 */
export class Settlement {
  readonly #store: Store;
  readonly #newId: NewId;
  readonly #now: () => number;
  readonly #timings: RetryTimings;

  constructor(store: Store, newId: NewId, now: () => number, timings: RetryTimings) {
    this.#store = store;
    this.#newId = newId;
    this.#now = now;
    this.#timings = timings;
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
      const waits = failure.isOutage && failure.retryable;
      const outage = waits && {
        exitReason: MODEL_UNAVAILABLE,
        retryNotBefore: this.#now() + (failure.retryAfterMs ?? 0),
      };
      const failed = { ...end, status: 'failed', error: failure.detail, ...outage } as const;
      if (!this.#end(run, failed, undefined)) return 'closed';
      const effects = this.#store.runs.leftEffects(run.id);
      if (failure.retryable && !effects && this.#again(run)) {
        if (waits) this.#reportOutage(run, failure);
        return 'again';
      }
      // What was asked after the last answer waits as a turn of its own.
      if (waits && this.#hasOnlyAnswered(run)) return 'again';
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

  /** Whether a run has answered its first messages and left no other effect. */
  #hasOnlyAnswered({ id, chatJid, firstSeq }: Run): boolean {
    const { runs, messages } = this.#store;
    if (firstSeq === null || messages.cursor(chatJid) < firstSeq) return false;
    return runs.wasAnswered(id) && !runs.leftOtherEffects(id);
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
    if (end.status === 'succeeded') taskSucceeded(this.#store, run.taskId);
    const startedAt = parseInstant(run.startedAt ?? '') || now;
    const outcome = end.status === 'succeeded' ? (result ?? 'done') : `Error: ${end.error ?? end.exitReason}`;
    this.#store.tasks.logRun({
      taskId: run.taskId,
      runAt: startedAt,
      durationMs: now - startedAt,
      status: end.status === 'succeeded' ? 'success' : 'error',
      result: result ?? null,
      error: end.error ?? null,
    });
    this.#store.tasks.change(run.taskId, { lastResult: cutText(outcome, 200) });
    return true;
  }

  /** Arranges another try, if there is one left. Messages wait by themselves: their cursor has not moved. */
  #again(run: Run): boolean {
    const { runs } = this.#store;
    if (run.taskId === null || run.slot === null) {
      if (run.firstSeq === null) return false;
      return nextTry(runs.tries(run.chatJid, run.firstSeq), this.#timings, this.#now()).kind === 'at';
    }
    const next = nextTry(runs.slotTries(run.taskId, run.slot), this.#timings, this.#now());
    if (next.kind === 'never') return false;
    const { folder, chatJid, taskId, slot } = run;
    runs.queueTask(
      { id: this.#newId(), folder, chatJid, taskId, slot, attempt: next.attempt, notBefore: next.time },
      this.#now(),
    );
    return true;
  }

  /** Once in an outage, and not while the first quick retries may outlast it. Nobody waits for a task. */
  #reportOutage({ chatJid, firstSeq }: Run, failure: Failure): void {
    if (firstSeq === null) return;
    const outage = outageOf(this.#store.runs.tries(chatJid, firstSeq));
    if (!isOutageTold(outage, this.#timings) || isOutageTold(outage.slice(0, -1), this.#timings)) return;
    // Without the run's id: it is not an effect of the run, which is retried.
    this.#notify({ chatJid }, outageNotice(failure));
  }

  /** The chat is notified in plain words; the cause and the log's name go to the main channel. */
  #closeFailed(run: Run, failure: Failure, logFile: string | undefined): void {
    const { groups, chats, tasks } = this.#store;
    const { chatJid } = run;
    const task = run.taskId === null ? undefined : (tasks.find(run.taskId)?.prompt ?? '');
    const turn = { asked: this.#asked(run), isGroup: this.#isGroup(run), task };
    const main = groups.main();
    const isMain = main?.jid === chatJid;
    const counted =
      run.taskId === null ? undefined : taskFailed(this.#store, run.taskId, failure, this.#now());
    if (counted?.isKnown) {
      this.#close(run);
      return;
    }
    const words = isMain ? failureInMain(failure, turn, logFile) : failureNotice(failure, turn);
    const notice = [words, counted?.pause].filter((part) => part !== undefined).join(' ');
    this.#close(run, notice, failure.isOutage ? this.#quoted(run) : undefined);
    if (isMain || main === undefined) return;
    const chat = groups.find(chatJid)?.name ?? chats.find(chatJid)?.name ?? chatJid;
    this.#notify({ chatJid: main.jid }, failureElsewhere(failure, chat, turn, logFile));
  }

  /**
   * The messages that a run was to answer and that nothing has answered yet. To be asked before the cursor
   * moves.
   */
  #asked({ chatJid, firstSeq, lastSeq }: Run): readonly Asked[] {
    if (firstSeq === null || lastSeq === null) return [];
    const { messages, groups } = this.#store;
    const first = Math.max(firstSeq, messages.cursor(chatJid) + 1);
    return messages.triggers(chatJid, first, lastSeq, groups.find(chatJid)?.requiresTrigger ?? true);
  }

  #isGroup({ chatJid }: Run): boolean {
    return this.#store.chats.find(chatJid)?.isGroup === true;
  }

  /** The last message that a run was to answer. */
  #quoted({ chatJid, lastSeq }: Run): Quoted | undefined {
    const requiresTrigger = this.#store.groups.find(chatJid)?.requiresTrigger ?? true;
    const trigger =
      lastSeq === null ? undefined : this.#store.messages.lastCall(chatJid, lastSeq, requiresTrigger);
    return trigger === undefined ? undefined : quoteOf(trigger);
  }

  #close(run: Run, notice?: string, quoted?: Quoted): void {
    if (run.lastSeq !== null) this.#store.messages.moveCursor(run.chatJid, run.lastSeq);
    if (notice !== undefined) this.#notify(run, notice, quoted);
  }

  #notify(
    { chatJid, id }: { readonly chatJid: string; readonly id?: string },
    text: string,
    quoted?: Quoted,
  ): void {
    const message = { kind: 'text', text, ...(quoted !== undefined && { quoted }) } as const;
    this.#store.outbox.add({ chatJid, message, source: 'notice', runId: id }, this.#now());
  }
}
