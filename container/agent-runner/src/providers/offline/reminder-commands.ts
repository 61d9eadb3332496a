import type { TaskSnapshot } from '../../../../../src/protocol/host-files.ts';
import { asSeen } from '../../../../../src/protocol/trigger.ts';
import { readTasks } from '../../tools/snapshots.ts';
import type { Command, Conversation } from './command.ts';
import { correct, correctionOf } from './corrections.ts';
import { withoutCourtesy } from './courtesy.ts';
import { wordReply } from './host-reply.ts';
import { asUtc, describeInstant, localTimeAt } from './local-time.ts';
import {
  answerToQuestion,
  EXAMPLES,
  REMINDER_PROMPT,
  type ReminderRequest,
  readReminder,
} from './reminder-request.ts';
import type { Schedule } from './schedule.ts';
import { readWhen } from './schedule-phrase.ts';
import { describeSchedule } from './schedule-words.ts';
import { DAY, MINUTE } from './time-words.ts';

/** The next run as the host tells it, with its zone: `Sat 21 Nov 2026, 15:30 (Europe/Berlin)`. */
export function nextRunOf(
  result: { nextRun?: string | null | undefined; nextRunLocal?: string | null | undefined },
  timezone: string,
): string | undefined {
  if (result.nextRunLocal) return `${result.nextRunLocal.replace(/(:\d\d):00$/, '$1')} (${timezone})`;
  const instant = new Date(result.nextRun ?? Number.NaN);
  return Number.isNaN(instant.getTime()) ? undefined : `${describeInstant(instant, timezone)} (${timezone})`;
}

async function schedule(
  plan: Schedule,
  what: string,
  taskId: string | undefined,
  conversation: Conversation,
): Promise<string> {
  const { mailbox, turn, timezone, session, now } = conversation;
  const times = { schedule_type: plan.type, schedule_value: plan.value };
  const reply = await mailbox.send(
    taskId === undefined
      ? {
          type: 'schedule_task',
          prompt: `${REMINDER_PROMPT}${what}`,
          ...times,
          context_mode: 'group',
          targetJid: turn.input.chatJid,
        }
      : { type: 'update_task', taskId, ...times },
  );
  if (reply.kind === 'answered' && reply.result.ok) session.noteTask(reply.result.taskId ?? taskId);
  const limits = reply.kind === 'answered' && !reply.result.ok ? reply.result.intervalLimitsMs : undefined;
  if (limits !== undefined && plan.type === 'interval') {
    const [words, limit] = Number(plan.value) < limits.min ? ['often', limits.min] : ['seldom', limits.max];
    const inWords = describeSchedule({ type: 'interval', value: String(limit) });
    return `That is too ${words}: ${inWords} at ${words === 'often' ? 'most' : 'least'}.`;
  }
  return wordReply(reply, (result) => {
    const next = nextRunOf(result, timezone);
    const when =
      plan.type === 'once'
        ? (next ?? 'when it is time')
        : `${describeSchedule(plan)}${next === undefined ? '' : `, next ${next}`}`;
    const drifts = plan.type === 'interval' && Number(plan.value) % DAY === 0 && changesClocks(now, timezone);
    const note = drifts ? '\nWhen the clocks change, this moves by an hour.' : '';
    return `${taskId === undefined ? 'I will remind you' : 'Changed'}: ${what}\n${when}${note}`;
  });
}

/** Whether a zone's offset differs between two instants half a year apart. */
function changesClocks(now: Date, timezone: string): boolean {
  const offset = (instant: Date): number => asUtc(localTimeAt(instant, timezone)) - instant.getTime();
  return Math.abs(offset(now) - offset(new Date(now.getTime() + 182 * DAY))) > MINUTE;
}

function carryOut(request: ReminderRequest, conversation: Conversation): Promise<string> | string {
  return 'question' in request
    ? request.question
    : schedule(request.schedule, request.what, request.taskId, conversation);
}

const REQUEST =
  /^(?:(?:please|pls)[, ]+)?(?:(?:can|could|will|would) you (?:please )?)?(?:remind ?(?:me|us)\b(?: please\b)?|(?:(?:set|create|make|add|start) (?:me |us )?)?(?:an? |another |the |new )?(?<noun>reminder|alarm|timer)\b|(?<wake>wake me)(?: up)?\b)[,:]?\s*(?<body>.*)$/is;
const REPEATED =
  /^(?:every(?:day)?|each|daily|hourly|weekly|monthly|yearly|(?:on )?(?:mon|tues|wednes|thurs|fri|satur|sun)days|(?:on )?week(?:day|end)s)\b/i;

/** A request for a reminder, taken apart; undefined: the text is none. */
function requestIn(text: string, { now, timezone }: Conversation): ReminderRequest | undefined {
  const groups = REQUEST.exec(text)?.groups;
  if (groups === undefined) {
    const timeThenWhat = /^(?<when>\S.{0,80}?)[,:]?\s+(?:please\s+)?remind\s+(?:me|us)\s+(?<what>.*)$/is.exec(
      text,
    );
    const { when = '', what = '' } = timeThenWhat?.groups ?? {};
    if (!REPEATED.test(text) && readWhen(when, now, timezone) === undefined) return undefined;
    if (timeThenWhat !== null) return readReminder(`${when} ${what}`, now, timezone);
    return readReminder(text, now, timezone);
  }
  const { noun, wake, body = '' } = groups;
  const subject = noun === undefined ? (wake === undefined ? undefined : 'wake up') : noun.toLowerCase();
  if (subject === undefined) return readReminder(body, now, timezone);
  // "for 10 minutes" and "for 7:30" are times here.
  const bare = body.replace(/^for\s+/i, '');
  const requests = ['', 'in ', 'at '].map((word) =>
    readReminder(`${word}${bare}`, now, timezone, subject === 'reminder' ? undefined : subject),
  );
  return (
    requests.find((request) => !('question' in request)) ??
    requests.find((request) => 'question' in request && request.open !== undefined) ??
    requests[0]
  );
}

const remind: Command = {
  pattern: /^.+$/s,
  help: 'remind me in 10 minutes to TEXT, or: on Friday at 18:00 to TEXT',
  schedules: true,
  answer: async ([text], conversation) => {
    const { session, now, timezone } = conversation;
    const said = [...session.recent.map((one) => withoutCourtesy(asSeen(one))), text];
    const isCorrected = said.some((one) => correctionOf(one) !== undefined);
    const tasks = isCorrected ? await readTasks(conversation.turn.layout) : undefined;
    const last = tasks?.find(({ id }) => id === session.task);
    // A time alone may answer what was asked back.
    let earlier: ReminderRequest | undefined;
    let found: ReminderRequest | undefined;
    for (const one of said) {
      const request = requestIn(one, conversation);
      const isSet = request !== undefined && !('question' in request);
      const open = earlier !== undefined && 'question' in earlier ? earlier : undefined;
      found =
        (isSet ? undefined : open && answerToQuestion(one, open, now, timezone)) ??
        request ??
        // What corrects an open question is no change of an earlier reminder.
        (open?.what === undefined ? correctionIn(one, last, conversation) : undefined);
      earlier = found;
    }
    return found === undefined ? undefined : carryOut(found, conversation);
  },
};

function correctionIn(
  text: string,
  task: TaskSnapshot | undefined,
  { now, timezone }: Conversation,
): ReminderRequest | undefined {
  const phrase = correctionOf(text);
  return phrase === undefined ? undefined : correct(phrase, task, now, timezone);
}

const unclear: Command = {
  pattern: /^remind\b/i,
  help: 'every 5 minutes TEXT, every day at 9:00 TEXT, every Monday at 8 TEXT',
  schedules: true,
  answer: () => `I can only remind this chat. ${EXAMPLES}`,
};

/** Reminders, once and again. */
export const REMINDER_COMMANDS: readonly Command[] = [remind, unclear];
