import { MINUTE, parseInstant } from './clock.ts';
import { Refusal } from './mailbox/errors.ts';
import { cancel, pause, resume, run, type TaskContext } from './mailbox/task-effects.ts';
import { printable } from './printable.ts';
import { cutText } from './protocol/graphemes.ts';
import type { MailboxResult } from './protocol/host-files.ts';
import { formatLocal } from './schedule/schedule.ts';
import type { Task } from './store/tasks.ts';

const ACTIONS = { pause, resume, cancel, run };

/** What the owner may do with a task, as an agent may. */
export type TaskAction = keyof typeof ACTIONS;

/** No task is meant, or several may be. */
export class TaskNotFoundError extends Error {
  override readonly name = 'TaskNotFoundError';
}

export interface TaskOutcome {
  readonly task: Task;
  readonly result: Extract<MailboxResult, { ok: true }>;
}

/**
 * Does what an agent's tool does, in one transaction.
 * @param id a task's id, or its first characters
 * @throws TaskNotFoundError, Refusal, ScheduleError; nothing has changed then
 */
export function controlTask(context: TaskContext, action: TaskAction, id: string): TaskOutcome {
  return context.store.transaction(() => {
    const task = findTask(context.store.tasks.all(), id);
    if (action === 'resume') checkTime(context, task);
    return { task, result: ACTIONS[action](context, task).result };
  });
}

/** An agent is told of its tools, which its owner does not have. @throws Refusal */
function checkTime({ timezone, now }: TaskContext, { id, status, nextRun, scheduleType }: Task): void {
  if (scheduleType !== 'once') return;
  const isPast = nextRun !== null && parseInstant(nextRun) < now - MINUTE;
  if (status !== 'completed' && !(status === 'paused' && isPast)) return;
  const words =
    status === 'completed'
      ? 'That task has run already.'
      : `${formatLocal(parseInstant(nextRun ?? ''), timezone)} is in the past.`;
  throw new Refusal(
    `${words} Ask the assistant for another time, or run it now: ./nanoclaw tasks run ${printable(id)}`,
  );
}

/** @throws TaskNotFoundError */
function findTask(tasks: readonly Task[], id: string): Task {
  const exact = tasks.find((task) => task.id === id);
  const [found, ...others] = id === '' ? [] : tasks.filter((task) => task.id.startsWith(id));
  if (exact !== undefined) return exact;
  if (found === undefined) {
    throw new TaskNotFoundError(
      `No task has the id "${printable(id)}". They are listed by: ./nanoclaw tasks`,
    );
  }
  if (others.length > 0) {
    const ids = [found, ...others].map((task) => printable(task.id)).join(', ');
    throw new TaskNotFoundError(`Several tasks begin with "${printable(id)}": ${ids}. Give more of the id.`);
  }
  return found;
}

/** What was done, for a person. @param hostRuns whether a host runs on the root */
export function formatTaskOutcome(
  action: TaskAction,
  { task, result }: TaskOutcome,
  hostRuns: boolean,
): string {
  const name = `${task.id} (${cutText(task.prompt.split('\n', 1)[0] ?? '', 60)})`;
  const [next] = result.nextRunsLocal ?? [];
  const words = {
    pause: `Paused ${name}. It runs again after: ./nanoclaw tasks resume ${task.id}`,
    resume: `Resumed ${name}.${next === undefined ? '' : ` Next run: ${next}`}`,
    cancel: `Cancelled and removed ${name}.`,
    run: `Queued a run of ${name}. ${hostRuns ? 'It starts as soon as its chat has no other turn.' : 'It starts with the assistant: npm start'}`,
  };
  return printable(words[action]);
}
