import { parseInstant } from '../../clock.ts';
import { firstRun, ScheduleError } from '../../schedule/schedule.ts';
import type { Store } from '../../store/store.ts';
import type { Task } from '../../store/tasks.ts';

/** How many of each were closed or changed. */
export interface Closed {
  readonly outbox: number;
  readonly runs: number;
  /** Chats in which a message waited for its answer. */
  readonly chats: number;
  /** One-time tasks whose time has passed. */
  readonly missedTasks: number;
  /** Tasks that repeat and have a new next time. */
  readonly movedTasks: number;
  readonly attachments: number;
}

export interface CloseOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly timezone: string;
  /**
   * The shortest interval of a task that has none of its own, in milliseconds; absent: what is so without a
   * setting.
   */
  readonly minIntervalMs?: number | undefined;
  /** Files of messages that lie in the root, as their rows name them. */
  readonly hasAttachment: (file: string) => boolean;
}

const REASON = 'it was open when the backup was made that was restored since';

/**
 * Nothing that was under way at the time of a backup goes on: all of it may have happened since. In one transaction messages that are
 * to be sent are closed, calls count as answered, runs end, one-time tasks whose time has passed are done, and tasks that repeat go on
 * from now. What is remembered of mailbox files stays.
 */
export function closeWaiting(store: Store, options: CloseOptions): Closed {
  const { now } = options;
  return store.transaction(() => {
    const chats = store.messages.waiting().length;
    for (const { jid } of store.groups.all()) store.messages.moveCursorToEnd(jid);
    const gone = store.attachments.kept().filter(({ file }) => !options.hasAttachment(file));
    for (const { seq } of gone) store.attachments.removed(seq, 'it is not in the backup', now);
    return {
      chats,
      outbox: store.outbox.closeOpen(REASON, now),
      runs: store.runs.endOpen({ exitReason: 'restored', error: REASON }, now),
      ...settleTasks(store, options),
      attachments: gone.length + store.attachments.giveUpWaiting(REASON, now),
    };
  });
}

function settleTasks(store: Store, options: CloseOptions): Pick<Closed, 'missedTasks' | 'movedTasks'> {
  const { now } = options;
  let [missedTasks, movedTasks] = [0, 0];
  for (const task of store.tasks.all()) {
    if (task.status !== 'active') continue;
    // What is no instant counts as due.
    const isDue = !(parseInstant(task.nextRun ?? '') > now);
    if (task.scheduleType !== 'once') {
      const next = nextFromNow(task, options);
      store.tasks.change(
        task.id,
        next === undefined ? { nextRun: null, status: 'paused' } : { nextRun: new Date(next).toISOString() },
      );
      movedTasks += 1;
    } else if (isDue) {
      store.tasks.change(task.id, { nextRun: null, status: 'completed', lastResult: `Not run: ${REASON}` });
      missedTasks += 1;
    }
  }
  return { missedTasks, movedTasks };
}

/** A schedule that was broken by hand rests. */
function nextFromNow(task: Task, { now, timezone, minIntervalMs }: CloseOptions): number | undefined {
  try {
    const schedule = { type: task.scheduleType, value: task.scheduleValue };
    return firstRun(schedule, timezone, now, task.minIntervalMs ?? minIntervalMs);
  } catch (error) {
    if (error instanceof ScheduleError) return undefined;
    throw error;
  }
}
