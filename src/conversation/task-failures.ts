import { cutText } from '../protocol/graphemes.ts';
import type { Store } from '../store/store.ts';
import { NO_FAILURES, type Task } from '../store/tasks.ts';
import { type Failure, firstLine } from './notices.ts';

/** A task that has failed this often in a row is paused. */
const MAX_FAILURES = 3;

/** One error, for an outage that shows itself now in one way and now in another. */
const OUTAGE = 'outage';

/** What a task's failure means for its chat. */
export interface TaskFailure {
  /** The chat was told of this error since the task's last success: the log is enough. */
  readonly isKnown: boolean;
  /** What the chat is told of the task's pause; undefined: it goes on. */
  readonly pause: string | undefined;
}

/**
 * Counts a task's run that failed and is not tried again, and pauses the task after too many in a row. An outage of the model's
 * service does not count. To be called in the transaction that ends the run.
 * @param now milliseconds since the epoch
 */
export function taskFailed(store: Store, taskId: string, failure: Failure, now: number): TaskFailure {
  const task = store.tasks.find(taskId);
  // A task that is paused or done runs only when somebody asks for it, and waits for the answer.
  if (task?.status !== 'active') return { isKnown: false, pause: undefined };
  const { inARow, told } = store.tasks.failures(task.id);
  const count = failure.isOutage ? inARow : inARow + 1;
  if (count >= MAX_FAILURES) {
    pauseTask(store, task, failure.detail, now);
    const pause = `It failed ${count} times in a row, so I paused it. ${howToResume(task)}`;
    return { isKnown: false, pause };
  }
  const error = failure.isOutage ? OUTAGE : withoutNumbers(`${failure.words} ${failure.detail}`);
  store.tasks.setFailures(task.id, { inARow: count, told: [...new Set([...told, error])] });
  return { isKnown: told.includes(error), pause: undefined };
}

/** Ends a row of failures. To be called in the transaction that ends the run. */
export function taskSucceeded(store: Store, taskId: string): void {
  const { inARow, told } = store.tasks.failures(taskId);
  if (inARow > 0 || told.length > 0) store.tasks.setFailures(taskId, NO_FAILURES);
}

/**
 * Pauses a task that cannot go on; what waits of it is not run. To be called in a transaction.
 * @param reason for the lists of tasks
 * @param now milliseconds since the epoch
 */
export function pauseTask(store: Store, { id }: Task, reason: string, now: number): void {
  store.tasks.change(id, { status: 'paused', lastResult: cutText(`Paused: ${reason}`, 200) });
  store.tasks.setFailures(id, NO_FAILURES);
  store.runs.cancelQueued(id, now);
}

/** The chat's one message about a schedule that gives no next run. */
export function brokenScheduleNotice(task: Task): string {
  return `⏸️ I paused the task ${quoted(task)}: I cannot tell from its schedule when it runs next. Ask me to give it another schedule. ${howToResume(task)}`;
}

function howToResume({ id }: Task): string {
  return `To resume it: ./nanoclaw tasks resume ${id}`;
}

function quoted({ prompt }: Task): string {
  return `“${firstLine(prompt)}”`;
}

/** Errors differ by ids, times and counters, and are the same for people. */
function withoutNumbers(words: string): string {
  return words.replace(/\b(?=[\w-]*\d)[\w-]+\b/g, '#');
}
