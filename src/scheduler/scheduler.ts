import type { Clock, NewId } from '../clock.ts';
import type { Log } from '../log.ts';
import { nextRun, ScheduleError } from '../schedule/schedule.ts';
import type { Store } from '../store/store.ts';
import type { Task } from '../store/tasks.ts';
import { Waker } from '../waker.ts';

export interface SchedulerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  readonly timezone: string;
}

/**
 * Waits for the next due instant, without polling. A due task's run and its next time are claimed in one transaction
 * before anything starts, so that a slot fires once whatever happens; the conversation then finds the queued run.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #waker: Waker;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#waker = new Waker((now) => this.#look(now), options.clock, options.log);
  }

  /** Claims what is due and sets the timer anew: at the start, and on the bell `tasks`. */
  wake(): void {
    this.#waker.wake();
  }

  /** Calling it twice is harmless. */
  stop(): void {
    this.#waker.stop();
  }

  #look(now: number): number | undefined {
    const { store } = this.#options;
    for (const task of store.tasks.due(now)) this.#claim(task);
    return store.tasks.nextDue();
  }

  #claim(task: Task): void {
    const { store, clock, newId, log } = this.#options;
    const now = clock.now();
    const slot = task.nextRun ?? new Date(now).toISOString();
    store.transaction(() => {
      const group = store.groups.inFolder(task.folder);
      if (group === undefined) {
        store.tasks.change(task.id, { status: 'paused' });
        log.warn({ task: task.id, folder: task.folder }, 'Task paused: its group is not registered any more');
        return;
      }
      const next = this.#nextTime(task, Date.parse(slot), now);
      store.runs.queueTask(
        {
          id: newId(),
          folder: task.folder,
          chatJid: task.chatJid,
          taskId: task.id,
          slot,
          attempt: 1,
          notBefore: 0,
        },
        now,
      );
      store.tasks.change(task.id, {
        nextRun: next === undefined ? null : new Date(next).toISOString(),
        status: next === undefined ? 'completed' : 'active',
        lastRun: new Date(now).toISOString(),
      });
    });
    log.info({ task: task.id, folder: task.folder, slot }, 'Task due');
  }

  /** A schedule that was broken by hand in the database fires this once and then rests. */
  #nextTime(task: Task, slot: number, now: number): number | undefined {
    const { timezone, log } = this.#options;
    try {
      return nextRun({ type: task.scheduleType, value: task.scheduleValue }, timezone, slot, now);
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
      log.warn({ task: task.id, err: error }, 'Task has no next run: its schedule cannot be understood');
      return undefined;
    }
  }
}
