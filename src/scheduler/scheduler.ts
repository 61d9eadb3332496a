import type { Clock, NewId } from '../clock.ts';
import type { Log } from '../log.ts';
import { isPassing } from '../machine-trouble.ts';
import { nextRun, ScheduleError } from '../schedule/schedule.ts';
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
  readonly timings: Pick<Timings, 'workFailurePauseMs'>;
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
    this.#waker = new Waker((now) => this.#look(now), options);
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
    const { store, log, timings } = this.#options;
    let isMachineAtFault = false;
    for (const task of store.tasks.due(now)) {
      try {
        this.#claim(task, now);
      } catch (error) {
        // One task that cannot be claimed holds up no other.
        log.error({ err: error, task: task.id }, 'A due task could not be claimed, it will be tried again');
        isMachineAtFault ||= isPassing(error);
      }
    }
    return isMachineAtFault ? now + timings.workFailurePauseMs : store.tasks.nextDue();
  }

  /** The run and the task's next time, in one transaction. */
  #claim(task: Task, now: number): void {
    const { store, newId, log } = this.#options;
    const slot = task.nextRun ?? new Date(now).toISOString();
    const outcome = store.transaction(() => {
      const { id, folder, chatJid } = task;
      if (store.groups.inFolder(folder) === undefined) {
        store.tasks.change(id, { status: 'paused' });
        return 'Task paused: its group is not registered any more';
      }
      const next = this.#nextTime(task, Date.parse(slot) || now, now);
      store.tasks.change(id, {
        nextRun: next === undefined ? null : new Date(next).toISOString(),
        status: next === undefined ? 'completed' : 'active',
        lastRun: new Date(now).toISOString(),
      });
      if (store.runs.slotTries(id, slot).length > 0) return 'Task not run: this slot of it ran already';
      // One that has no later slot waits for its turn: it set its own time anew while it ran.
      if (next !== undefined && store.runs.isOpen(id)) return 'Task not run: its last run has not ended';
      store.runs.queueTask({ id: newId(), folder, chatJid, taskId: id, slot, attempt: 1, notBefore: 0 }, now);
      return 'Task due';
    });
    log.info({ task: task.id, folder: task.folder, slot }, outcome);
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
