import type { TaskSnapshot } from '../../../../../src/protocol/host-files.ts';
import { readTasks } from '../../tools/snapshots.ts';
import type { Command, Conversation } from './command.ts';
import { wordReply } from './host-reply.ts';
import { describeInstant } from './local-time.ts';
import { reminderText } from './reminder-commands.ts';
import { describeSchedule } from './schedule-phrase.ts';

const SHORTEST_PREFIX = 4;

/** The first characters of a task's id that tell it from all others. */
export function shortId(id: string, all: readonly string[]): string {
  let length = Math.min(SHORTEST_PREFIX, id.length);
  while (length < id.length && all.some((other) => other !== id && other.startsWith(id.slice(0, length))))
    length += 1;
  return id.slice(0, length);
}

function describeTask(task: TaskSnapshot, all: readonly string[], { turn, timezone }: Conversation): string {
  const next = task.next_run === null ? Number.NaN : Date.parse(task.next_run);
  const parts = [
    reminderText(task.prompt) ?? task.prompt,
    describeSchedule({ type: task.schedule_type, value: task.schedule_value }),
    task.status === 'active' ? undefined : task.status,
    Number.isNaN(next) ? undefined : `next ${describeInstant(new Date(next), timezone)}`,
    task.groupFolder === turn.input.groupFolder ? undefined : `in ${task.groupFolder}`,
  ];
  return `• ${shortId(task.id, all)}: ${parts.filter((part) => part !== undefined).join(' · ')}`;
}

const list: Command = {
  pattern: /^(?:list|show)(?: my| all)? (?:tasks|reminders)[.!?]*$/i,
  help: 'list tasks',
  answer: async (_, conversation) => {
    const tasks = await readTasks(conversation.turn.layout);
    if (tasks === undefined) return 'I cannot see the list of tasks.';
    if (tasks.length === 0) return 'There are no tasks.';
    const ids = tasks.map((task) => task.id);
    return tasks.map((task) => describeTask(task, ids, conversation)).join('\n');
  },
};

const VERBS = {
  pause: { type: 'pause_task', done: 'Paused' },
  resume: { type: 'resume_task', done: 'Resumed' },
  cancel: { type: 'cancel_task', done: 'Cancelled' },
} as const;

function isVerb(word: string): word is keyof typeof VERBS {
  return Object.hasOwn(VERBS, word);
}

const change: Command = {
  pattern: /^(pause|resume|cancel)\s+(?:task\s+)?([A-Za-z0-9_-]+)$/i,
  help: 'pause, resume or cancel TASK (its first characters are enough)',
  answer: async ([, word = '', prefix = ''], { turn, mailbox, timezone }) => {
    const verb = word.toLowerCase();
    if (!isVerb(verb)) throw new Error(`no such verb: ${verb}`);
    const tasks = (await readTasks(turn.layout)) ?? [];
    const found = tasks.filter((task) => task.id === prefix || task.id.startsWith(prefix));
    if (found.length > 1)
      return `More than one task begins with ${prefix}. Say "list tasks", and give more of its id.`;
    // A task that is not in the list may still be there: the host knows.
    const reply = await mailbox.send({ type: VERBS[verb].type, taskId: found[0]?.id ?? prefix });
    return wordReply(reply, ({ nextRunLocal, nextRun }) => {
      const name = found[0] === undefined ? prefix : (reminderText(found[0].prompt) ?? found[0].prompt);
      const next = nextRunLocal ?? (nextRun ? describeInstant(new Date(nextRun), timezone) : undefined);
      return `${VERBS[verb].done}: ${name}${verb === 'resume' && next !== undefined ? `, next ${next}` : ''}`;
    });
  },
};

/** What can be done with tasks that exist. */
export const TASK_COMMANDS: readonly Command[] = [list, change];
