import { parseInstant } from '../clock.ts';
import { codeOf } from '../machine-trouble.ts';
import type { TaskFile } from '../protocol/mailbox.ts';
import { firstRun, formatLocal, runsFrom, type Schedule } from '../schedule/schedule.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import { NO_FAILURES, type Task, type TaskChange } from '../store/tasks.ts';
import { demand, type Effect, type EffectContext } from './effect.ts';
import { Refusal } from './errors.ts';
import type { Limits } from './limits.ts';

type Request<Type extends TaskFile['type']> = Extract<TaskFile, { type: Type }>;

/** So many of a task's next runs are told to who sets it. */
const TOLD_RUNS = 3;

const HOMELESS = 'The chat of that task is not registered any more: it cannot run.';

const SAFE_TASK_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** @throws Refusal, ScheduleError */
export function scheduleTask(context: EffectContext, request: Request<'schedule_task'>): Effect {
  const { store, now, timezone } = context;
  const target = targetOf(context, request);
  demand(context, { operation: 'schedule_task', folder: target?.folder });
  if (target === undefined) throw new Refusal('No such group is registered.');
  if (request.prompt.trim() === '') throw new Refusal('The prompt is empty. Say what is to be done.');
  const most = context.limits.tasksPerGroup;
  const live = store.tasks.ofFolder(target.folder).filter(({ status }) => status !== 'completed');
  if (live.length >= most) {
    throw new Refusal(`This group has ${most} tasks already. Cancel one that is not needed any more.`);
  }
  const schedule = { type: request.schedule_type, value: request.schedule_value };
  const next = firstRun(schedule, timezone, now, context.limits.minTaskIntervalMs);
  const id = freeTaskId(context, request.taskId);
  store.tasks.add({
    id,
    folder: target.folder,
    chatJid: target.jid,
    prompt: request.prompt,
    script: request.script === undefined || request.script === '' ? null : request.script,
    scheduleType: schedule.type,
    scheduleValue: schedule.value,
    contextMode: request.context_mode ?? 'isolated',
    nextRun: new Date(next).toISOString(),
    status: 'active',
    createdAt: new Date(now).toISOString(),
  });
  return { result: { ok: true, taskId: id, ...times(context, next, schedule) }, changed: true };
}

/**
 * Later v1 names the group by `targetJid`. Early v1 names it by `groupFolder` and puts the writer's own chat into
 * `chatJid`, which therefore counts only when it stands alone.
 */
function targetOf(
  { store, source }: EffectContext,
  { targetJid, groupFolder, chatJid }: Request<'schedule_task'>,
): RegisteredGroup | undefined {
  if (targetJid !== undefined) return store.groups.find(targetJid);
  if (groupFolder !== undefined) return store.groups.inFolder(groupFolder);
  return chatJid === undefined ? source : store.groups.find(chatJid);
}

/** An id that the agent chose, if nobody has it; the answer says which one it became. */
function freeTaskId({ store, newId }: EffectContext, wanted: string | undefined): string {
  const usable = wanted !== undefined && SAFE_TASK_ID.test(wanted) && store.tasks.find(wanted) === undefined;
  return usable ? wanted : newId();
}

/** The task that a file names, if its writer may touch it. @throws Refusal */
function ownTask(
  context: EffectContext,
  request: Request<'update_task' | 'pause_task' | 'resume_task' | 'cancel_task' | 'run_task'>,
): Task {
  const task = context.store.tasks.find(request.taskId);
  demand(context, { operation: request.type, folder: task?.folder });
  if (task === undefined) throw new Refusal('There is no such task.');
  return task;
}

/** A new schedule brings a new next run, and a one-time task that is done back to life. @throws Refusal, ScheduleError */
export function updateTask(context: EffectContext, request: Request<'update_task'>): Effect {
  const { store, timezone, now } = context;
  const task = ownTask(context, request);
  const { prompt, script, schedule_type: type, schedule_value: value } = request;
  if ([prompt, script, type, value].every((field) => field === undefined)) {
    throw new Refusal('Nothing to change. Give a prompt, a script, a schedule_type or a schedule_value.');
  }
  if (prompt !== undefined && prompt.trim() === '') {
    throw new Refusal('The prompt is empty. Say what is to be done.');
  }
  const change: { -readonly [Field in keyof TaskChange]: TaskChange[Field] } = {};
  if (prompt !== undefined) change.prompt = prompt;
  if (script !== undefined) change.script = script === '' ? null : script;
  let next = task.nextRun === null ? undefined : parseInstant(task.nextRun);
  const schedule = { type: type ?? task.scheduleType, value: value ?? task.scheduleValue };
  if (type !== undefined || value !== undefined) {
    change.scheduleType = schedule.type;
    change.scheduleValue = schedule.value;
    next = firstRun(schedule, timezone, now, context.limits.minTaskIntervalMs);
    change.nextRun = new Date(next).toISOString();
    if (task.status === 'completed') change.status = 'active';
  }
  store.tasks.change(task.id, change);
  store.tasks.setFailures(task.id, NO_FAILURES);
  return { result: { ok: true, taskId: task.id, ...times(context, next, schedule) }, changed: true };
}

/** @throws Refusal */
export function pauseTask(context: EffectContext, request: Request<'pause_task'>): Effect {
  return pause(context, ownTask(context, request));
}

/** @throws Refusal, ScheduleError */
export function resumeTask(context: EffectContext, request: Request<'resume_task'>): Effect {
  return resume(context, ownTask(context, request));
}

/** @throws Refusal */
export function cancelTask(context: EffectContext, request: Request<'cancel_task'>): Effect {
  return cancel(context, ownTask(context, request));
}

/** @throws Refusal */
export function runTask(context: EffectContext, request: Request<'run_task'>): Effect {
  return run(context, ownTask(context, request));
}

/** What a task is controlled with, by an agent or by the owner. */
export type TaskContext = Pick<EffectContext, 'store' | 'now' | 'timezone' | 'newId'> & {
  readonly limits: Pick<Limits, 'minTaskIntervalMs'>;
};

/** To be called in a transaction. @throws Refusal */
export function pause({ store, now }: TaskContext, task: Task): Effect {
  if (task.status === 'completed') throw new Refusal('That task has run already; there is nothing to pause.');
  if (task.status === 'active') store.tasks.change(task.id, { status: 'paused' });
  store.runs.cancelQueued(task.id, now);
  return { result: { ok: true, taskId: task.id }, changed: task.status === 'active' };
}

/**
 * The schedule goes on from now: what was missed during the pause is not made up for. To be called in a
 * transaction.
 * @throws Refusal, ScheduleError
 */
export function resume(context: TaskContext, task: Task): Effect {
  const { store, timezone, now, limits } = context;
  if (task.status === 'completed') {
    throw new Refusal('That task has run already. Give it a new time with update_task.');
  }
  const schedule = { type: task.scheduleType, value: task.scheduleValue };
  if (task.status === 'active') {
    const next = task.nextRun === null ? undefined : parseInstant(task.nextRun);
    return { result: { ok: true, taskId: task.id, ...times(context, next, schedule) }, changed: false };
  }
  if (store.groups.find(task.chatJid)?.folder !== task.folder) throw new Refusal(HOMELESS);
  const next = firstRun(schedule, timezone, now, task.minIntervalMs ?? limits.minTaskIntervalMs);
  store.tasks.change(task.id, { status: 'active', nextRun: new Date(next).toISOString() });
  store.tasks.setFailures(task.id, NO_FAILURES);
  return { result: { ok: true, taskId: task.id, ...times(context, next, schedule) }, changed: true };
}

/** To be called in a transaction. */
export function cancel({ store, now }: TaskContext, task: Task): Effect {
  store.tasks.remove(task.id);
  store.runs.cancelQueued(task.id, now);
  return { result: { ok: true, taskId: task.id }, changed: true };
}

/**
 * Runs a task now, in whatever state it is. The run is queued as one more slot, this instant, beside the schedule: the
 * task's own next run is left as it is. While a run of the task waits already, that one is the answer. To be
 * called in a transaction.
 * @throws Refusal
 */
export function run({ store, newId, now }: TaskContext, task: Task): Effect {
  const result = { ok: true, taskId: task.id } as const;
  if (store.groups.find(task.chatJid)?.folder !== task.folder) throw new Refusal(HOMELESS);
  if (store.runs.queued().some(({ taskId }) => taskId === task.id)) return { result, changed: false };
  try {
    store.runs.queueTask(
      {
        id: newId(),
        folder: task.folder,
        chatJid: task.chatJid,
        taskId: task.id,
        slot: new Date(now).toISOString(),
        attempt: 1,
        notBefore: 0,
      },
      now,
    );
  } catch (error) {
    if (!codeOf(error).startsWith('SQLITE_CONSTRAINT')) throw error;
    throw new Refusal('That task was started this very instant.');
  }
  return { result, changed: true };
}

function times(
  { timezone }: TaskContext,
  next: number | undefined,
  schedule: Schedule,
): Pick<Effect['result'], 'nextRun' | 'nextRunLocal' | 'nextRunsLocal'> {
  if (next === undefined || Number.isNaN(next)) return {};
  const runs = runsFrom(next, schedule, timezone, TOLD_RUNS);
  return {
    nextRun: new Date(next).toISOString(),
    nextRunLocal: formatLocal(next, timezone),
    nextRunsLocal: runs.map((run) => formatLocal(run, timezone)),
  };
}
