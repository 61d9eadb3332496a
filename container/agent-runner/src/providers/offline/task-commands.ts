import type { TaskSnapshot } from '../../../../../src/protocol/host-files.ts';
import { readTasks } from '../../tools/snapshots.ts';
import type { Command, Conversation } from './command.ts';
import { wordReply } from './host-reply.ts';
import { describeInstant } from './local-time.ts';
import { nextRunOf } from './reminder-commands.ts';
import { reminderText } from './reminder-request.ts';
import { describeSchedule } from './schedule-words.ts';

/** A part of a task's name that names it has at least so many characters. */
const MIN_NAME_PART = 2;
/** A part of an id that names a task has at least so many characters. */
const MIN_ID_PART = 3;

function nameOf(task: TaskSnapshot): string {
  return reminderText(task.prompt) ?? task.prompt;
}

function describeTask(task: TaskSnapshot, { turn, timezone }: Conversation): string {
  const next = task.status === 'active' && task.next_run !== null ? Date.parse(task.next_run) : Number.NaN;
  const parts = [
    nameOf(task),
    describeSchedule({ type: task.schedule_type, value: task.schedule_value }),
    task.status === 'active' ? undefined : task.status,
    Number.isNaN(next) ? undefined : `next ${describeInstant(new Date(next), timezone)}`,
    task.groupFolder === turn.input.groupFolder ? undefined : `in ${task.chatName ?? 'another chat'}`,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}

/** The tasks with the numbers of the list that was shown last, or of a new one. */
function numbered(tasks: readonly TaskSnapshot[], conversation: Conversation): readonly string[] {
  return tasks.map(
    (task) => `${conversation.session.listed.indexOf(task.id) + 1}. ${describeTask(task, conversation)}`,
  );
}

function showList(tasks: readonly TaskSnapshot[], conversation: Conversation): string {
  conversation.session.noteList(tasks.map(({ id }) => id));
  return numbered(tasks, conversation).join('\n');
}

const list: Command = {
  pattern:
    /^(?:(?:list|show)(?: me)?(?: my| all| the)*|my|what are my|what|which)? ?(?:tasks|reminders)(?: (?:do i have|are there|are set))?[.!?]*$/i,
  help: 'list tasks',
  answer: async (_, conversation) => {
    const tasks = await readTasks(conversation.turn.layout);
    if (tasks === undefined) return 'I cannot see the list of tasks.';
    return tasks.length === 0 ? 'There are no tasks.' : showList(tasks, conversation);
  },
};

const VERBS = {
  pause: { type: 'pause_task', done: 'Paused' },
  resume: { type: 'resume_task', done: 'Resumed' },
  cancel: { type: 'cancel_task', done: 'Cancelled' },
} as const;
type Verb = keyof typeof VERBS;

const SYNONYMS: Readonly<Record<string, Verb>> = {
  pause: 'pause',
  resume: 'resume',
  unpause: 'resume',
  continue: 'resume',
  cancel: 'cancel',
  stop: 'cancel',
  delete: 'cancel',
  remove: 'cancel',
};

const POSITIONS: Readonly<Record<string, number>> = {
  first: 0,
  second: 1,
  third: 2,
  fourth: 3,
  fifth: 4,
  last: -1,
};

const IT = /^(?:it|this|that)(?: one)?$/i;

const comparable = (text: string): string => text.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim();

/** The tasks that words may mean: "it", a number of the list, what the task is called, or an id. */
function tasksMeant(
  words: string,
  tasks: readonly TaskSnapshot[],
  { session }: Conversation,
): TaskSnapshot[] {
  const byId = (id: string | undefined): TaskSnapshot[] => tasks.filter((task) => task.id === id);
  const exact = byId(words);
  if (exact.length > 0) return exact;
  const wanted = comparable(words);
  const called = tasks.filter((task) => comparable(nameOf(task)) === wanted);
  if (called.length > 0) return called;
  if (IT.test(wanted))
    return session.task === undefined && tasks.length === 1 ? [...tasks] : byId(session.task);
  const order = session.listed.length > 0 ? session.listed : tasks.map(({ id }) => id);
  const number = /^(?:number |no\.? ?|nr\.? ?|#|the )?(\d{1,4})(?:st|nd|rd|th)?(?: one)?$/.exec(wanted)?.[1];
  if (number !== undefined) return byId(order[Number(number) - 1]);
  const position = POSITIONS[/^(?:the )?(\w+)(?: one)?$/.exec(wanted)?.[1] ?? ''];
  const left = order.filter((id) => tasks.some((task) => task.id === id));
  if (position !== undefined) return byId(left.at(position));
  for (const isMeant of [
    (task: TaskSnapshot) => wanted.length >= MIN_NAME_PART && comparable(nameOf(task)).startsWith(wanted),
    (task: TaskSnapshot) =>
      wanted.length >= MIN_NAME_PART && ` ${comparable(nameOf(task))}`.includes(` ${wanted}`),
    (task: TaskSnapshot) => words.length >= MIN_ID_PART && task.id.startsWith(words),
  ]) {
    const found = tasks.filter(isMeant);
    if (found.length > 0) return found;
  }
  return [];
}

const change: Command = {
  pattern: /^(pause|resume|unpause|continue|cancel|delete|remove|stop)(?:\s+(\S.*?))?[.!?]*$/is,
  help: 'pause, resume or cancel TASK (its number in the list, or its first words)',
  answer: ([, word = '', rest = ''], conversation) => {
    const verb = SYNONYMS[word.toLowerCase()];
    if (verb === undefined) throw new Error(`no such verb: ${word}`);
    return changeTasks(verb, rest, conversation);
  },
};

/** "The second" after the question which one. */
const whichOne: Command = {
  pattern:
    /^(?:no,? )?((?:the |number |#)?(?:\d{1,4}|first|second|third|fourth|fifth|last)\b.*|both|all|it|that one|(?:the )?\S.{0,60}? one)[.!]*$/is,
  answer: ([, rest = ''], conversation) => {
    const verb = SYNONYMS[conversation.session.asked ?? ''];
    return verb === undefined ? undefined : changeTasks(verb, rest, conversation);
  },
};

const ALL = /^(?:all|everything|(?:all )?(?:of )?(?:them|these|those)|both|(?:all|both) .{0,20})$/i;

async function changeTasks(verb: Verb, rest: string, conversation: Conversation): Promise<string> {
  const { turn, session } = conversation;
  const tasks = await readTasks(turn.layout);
  if (tasks === undefined) return 'I cannot see the list of tasks.';
  if (tasks.length === 0) return 'There are no tasks.';
  const ask = (question: string, some: readonly TaskSnapshot[]): string => {
    session.noteAsked(verb);
    return `${question}\n${someOf(some, tasks, conversation)}`;
  };
  const example = `Which one? Say for example "${verb} 1".`;
  const [plain = '', ...others] = candidates(rest);
  if (plain === '') return ask(example, tasks);
  const whole = [plain, ...others].map((words) => tasksMeant(words, tasks, conversation));
  const named = whole.find((some) => some.length > 0) ?? [];
  if (named.length === 1) return changeEach(verb, named, conversation);
  if ([plain, ...others].some((words) => ALL.test(words))) {
    const own = tasks.filter(({ groupFolder }) => groupFolder === turn.input.groupFolder);
    if (own.length === 0) return ask('This chat has no tasks of its own. Which one?', tasks);
    if (!/^both/i.test(plain) || own.length === 2) return changeEach(verb, own, conversation);
    return ask(example, tasks);
  }
  if (named.length > 1) return ask(`Which one? Say "${verb}" and its number.`, named);
  if ([plain, ...others].some((words) => IT.test(words.trim()))) return ask(example, tasks);
  const parts = (others.at(-1) ?? plain).split(/\s*(?:,|&|\+|\band\b)\s*/i).filter((part) => part !== '');
  const each = parts.map((part) =>
    candidates(part)
      .map((words) => tasksMeant(words, tasks, conversation))
      .find((some) => some.length > 0),
  );
  if (parts.length > 1 && each.every((some) => some?.length === 1))
    return changeEach(verb, [...new Set(each.flatMap((some) => some ?? []))], conversation);
  return ask(`I know no task called “${rest}”. These are there:`, tasks);
}

/** Does the same with each, and says what became of each on a line of its own. */
async function changeEach(
  verb: Verb,
  tasks: readonly TaskSnapshot[],
  { mailbox, session, timezone }: Conversation,
): Promise<string> {
  const lines: string[] = [];
  for (const task of tasks) {
    const reply = await mailbox.send({ type: VERBS[verb].type, taskId: task.id });
    session.noteTask(task.id);
    lines.push(
      wordReply(reply, (result) => {
        const next = nextRunOf(result, timezone);
        return `${VERBS[verb].done}: ${nameOf(task)}${verb === 'resume' && next !== undefined ? `, next ${next}` : ''}`;
      }),
    );
  }
  return lines.join('\n');
}

/** Some tasks with their numbers in the list of all. */
function someOf(
  some: readonly TaskSnapshot[],
  tasks: readonly TaskSnapshot[],
  conversation: Conversation,
): string {
  conversation.session.noteList(tasks.map(({ id }) => id));
  return numbered(some, conversation).join('\n');
}

/** A name as it is written, then without the words and quotes around it. */
function candidates(rest: string): readonly string[] {
  const plain = rest.replace(/,?\s+(?:please|pls|thanks|thank you|thx)$/i, '');
  const name = plain
    .replace(
      /^(?:(?:the|my|our)\s+)?(?:(?:tasks?|reminders?)\b\s*)?(?:(?:to|about|of|called|named)\s+)?/i,
      '',
    )
    .replace(/\s+(?:task|reminder)$/i, '');
  const bare = name.replace(/^["'“”‘’„]+|["'“”‘’]+$/g, '');
  return [...new Set([rest, plain, name, bare])].filter((words) => words.trim() !== '');
}

/** What can be done with tasks that exist. */
export const TASK_COMMANDS: readonly Command[] = [list, change, whichOne];
