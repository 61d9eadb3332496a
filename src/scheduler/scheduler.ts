import { type Clock, type NewId, parseInstant } from '../clock.ts';
import { brokenScheduleNotice, pauseTask } from '../conversation/task-failures.ts';
import type { Log } from '../log.ts';
import { isPassing } from '../machine-trouble.ts';
import { firstRun, nextRun, type Schedule, ScheduleError } from '../schedule/schedule.ts';
import { isForeignJid } from '../store/groups.ts';
import type { Store } from '../store/store.ts';
import type { Task } from '../store/tasks.ts';
import type { Timings } from '../timings.ts';
import { Waker } from '../waker.ts';

export interface SchedulerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  readonly timezone: string;
  /** The shortest interval of a task that has none of its own, in milliseconds. */
  readonly minIntervalMs: number;
  readonly timings: Pick<Timings, 'workFailurePauseMs'>;
}

const HOMELESS = 'Task paused: its group is not registered any more, or is another channel’s';

/** So many due tasks are claimed before the event loop has its turn. */
const CLAIMED_AT_ONCE = 20;

/**
 * Waits for the next due instant, without polling. A due task's run and its next time are claimed in one transaction
 * before anything starts, so that a slot fires once whatever happens; the conversation then finds the queued run.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #waker: Waker;
  /** What was due at the last look and is not claimed yet. */
  #due: readonly Task[] = [];
  /** The next slice of it, when the event loop has had its turn. */
  #goOn: NodeJS.Immediate | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#waker = new Waker((now) => this.#look(now), options);
  }

  /** Claims what is due and sets the timer anew: at the start, and on the bell `tasks`. */
  wake(): void {
    if (this.#goOn === undefined) this.#waker.wake();
  }

  /** Calling it twice is harmless. */
  stop(): void {
    clearImmediate(this.#goOn);
    this.#waker.stop();
  }

  #look(now: number): number | undefined {
    const { store, timings } = this.#options;
    try {
      if (this.#due.length === 0) {
        this.#inOne(store.tasks.withBrokenTime(), (task) => this.#mend(task, now));
        this.#due = store.tasks.due(now);
      }
      const some = this.#due.slice(0, CLAIMED_AT_ONCE);
      this.#due = this.#due.slice(CLAIMED_AT_ONCE);
      this.#inOne(some, (task) => this.#claim(task, now));
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#due = [];
      return now + timings.workFailurePauseMs;
    }
    if (this.#due.length === 0) return store.tasks.nextDue();
    this.#goOn = setImmediate(() => {
      this.#goOn = undefined;
      this.wake();
    });
    return undefined;
  }

  /**
   * All of it costs one commit; one task that cannot be worked on holds up no other.
   * @throws the machine's errors that pass
   */
  #inOne(tasks: readonly Task[], work: (task: Task) => string): void {
    const { store, log } = this.#options;
    if (tasks.length === 0) return;
    const outcomes = store.transaction(() =>
      tasks.map((task) => {
        try {
          return store.transaction(() => work(task));
        } catch (error) {
          log.error({ err: error, task: task.id }, 'A due task could not be claimed, it will be tried again');
          if (isPassing(error)) throw error;
          return undefined;
        }
      }),
    );
    for (const [index, { id, folder, nextRun: slot }] of tasks.entries()) {
      const outcome = outcomes[index];
      if (outcome !== undefined) log.info({ task: id, folder, slot }, outcome);
    }
  }

  /** The run and the task's next time. To be called in a transaction. @returns what was done, for the log */
  #claim({ id, folder, chatJid, nextRun: slot }: Task, now: number): string {
    const { store, newId } = this.#options;
    const task = store.tasks.find(id);
    if (task?.status !== 'active' || slot === null || task.nextRun !== slot) {
      return 'Task not run: it was changed since';
    }
    if (this.#isHomeless(task)) return HOMELESS;
    const next = this.#nextTime(task, parseInstant(slot), now);
    store.tasks.change(id, {
      nextRun: next === undefined ? null : new Date(next).toISOString(),
      ...(task.scheduleType === 'once' && { status: 'completed' }),
      lastRun: new Date(now).toISOString(),
    });
    if (store.runs.slotTries(id, slot).length > 0) return 'Task not run: this slot of it ran already';
    // One that has no later slot waits for its turn: it set its own time anew while it ran.
    if (next !== undefined && store.runs.isOpen(id)) return 'Task not run: its last run has not ended';
    store.runs.queueTask({ id: newId(), folder, chatJid, taskId: id, slot, attempt: 1, notBefore: 0 }, now);
    return 'Task due';
  }

  /** What is no instant is never due: its time comes from its schedule. To be called in a transaction. */
  #mend(task: Task, now: number): string {
    const { store, timezone } = this.#options;
    if (this.#isHomeless(task)) return HOMELESS;
    const next = this.#orPause(task, () =>
      firstRun(scheduleOf(task), timezone, now, this.#minInterval(task)),
    );
    if (next !== undefined) store.tasks.change(task.id, { nextRun: new Date(next).toISOString() });
    return 'Task not run: its next_run is not an instant from 1970 to 9999; it was taken from its schedule';
  }

  /** Pauses a task whose chat is not registered any more, is another group's, or no chat of WhatsApp. */
  #isHomeless({ id, folder, chatJid }: Task): boolean {
    const { store } = this.#options;
    if (store.groups.find(chatJid)?.folder === folder && !isForeignJid(chatJid)) return false;
    store.tasks.change(id, { status: 'paused' });
    return true;
  }

  /**
   * @returns undefined for a one-time task, and for a schedule without a next run: that task is paused, and
   * its chat is told
   */
  #nextTime(task: Task, slot: number, now: number): number | undefined {
    const { timezone } = this.#options;
    return this.#orPause(task, () => nextRun(scheduleOf(task), timezone, slot, now, this.#minInterval(task)));
  }

  /** A repeating task whose next time cannot be found is never done: it is paused. */
  #orPause<T>(task: Task, work: () => T): T | undefined {
    const { store, clock, log } = this.#options;
    try {
      return work();
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
      log.warn({ task: task.id, err: error }, 'Task paused: its schedule gives no next run');
      pauseTask(store, task, error.message, clock.now());
      const message = { kind: 'text', text: brokenScheduleNotice(task) } as const;
      store.outbox.add({ chatJid: task.chatJid, message, source: 'notice' }, clock.now());
      return undefined;
    }
  }

  #minInterval(task: Task): number {
    return task.minIntervalMs ?? this.#options.minIntervalMs;
  }
}

function scheduleOf(task: Task): Schedule {
  return { type: task.scheduleType, value: task.scheduleValue };
}
