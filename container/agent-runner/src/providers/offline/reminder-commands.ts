import type { Command, Conversation } from './command.ts';
import { wordReply } from './host-reply.ts';
import { describeInstant } from './local-time.ts';
import { answerToQuestion, EXAMPLES, type ReminderRequest, readReminder } from './reminder-request.ts';
import type { Schedule } from './schedule.ts';
import { readWhen } from './schedule-phrase.ts';
import { describeSchedule } from './schedule-words.ts';

/** A task's prompt, in words that any agent understands, should the agent be changed before it is due. */
const REMINDER_PROMPT = 'Send a reminder: ';

/** What a reminder's prompt reminds of; undefined when the prompt is something else. */
export function reminderText(prompt: string): string | undefined {
  return prompt.startsWith(REMINDER_PROMPT) ? prompt.slice(REMINDER_PROMPT.length).trim() : undefined;
}

/** The next run as the host tells it, with its zone: `Sat 21 Nov 2026, 15:30 (Europe/Berlin)`. */
export function nextRunOf(
  result: { nextRun?: string | null | undefined; nextRunLocal?: string | null | undefined },
  timezone: string,
): string | undefined {
  if (result.nextRunLocal) return `${result.nextRunLocal.replace(/(:\d\d):00$/, '$1')} (${timezone})`;
  const instant = new Date(result.nextRun ?? Number.NaN);
  return Number.isNaN(instant.getTime()) ? undefined : `${describeInstant(instant, timezone)} (${timezone})`;
}

async function schedule(plan: Schedule, what: string, conversation: Conversation): Promise<string> {
  const { mailbox, turn, timezone, session } = conversation;
  const reply = await mailbox.send({
    type: 'schedule_task',
    prompt: `${REMINDER_PROMPT}${what}`,
    schedule_type: plan.type,
    schedule_value: plan.value,
    context_mode: 'group',
    targetJid: turn.input.chatJid,
  });
  if (reply.kind === 'answered' && reply.result.ok) session.noteTask(reply.result.taskId);
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
    return `I will remind you: ${what}\n${when}`;
  });
}

function carryOut(request: ReminderRequest, conversation: Conversation): Promise<string> | string {
  return 'question' in request ? request.question : schedule(request.schedule, request.what, conversation);
}

const REQUEST =
  /^(?:(?:please|pls)[, ]+)?(?:(?:can|could|will|would) you (?:please )?)?(?:remind (?:me|us)\b(?: please\b)?|(?:(?:set|create|make|add|start) (?:me |us )?(?:an? |another |the )?)?(?<noun>reminder|alarm|timer)\b|(?<wake>wake me)(?: up)?\b)[,:]?\s*(?<body>.*)$/is;
const REPEATED =
  /^(?:every(?:day)?|each|daily|hourly|weekly|monthly|yearly|(?:on )?(?:mon|tues|wednes|thurs|fri|satur|sun)days|(?:on )?week(?:day|end)s)\b/i;

const EVERY_DAY_AT = 'At what time? Say for example: every day at 9:00 water the plants.';

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
    if (/^(?:every|each) (?:day|week)\b(?!.*\d)/is.test(text)) return { question: EVERY_DAY_AT };
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
  answer: ([text], conversation) => {
    const { session, now, timezone } = conversation;
    const request = requestIn(text, conversation);
    if (request !== undefined && !('question' in request)) return carryOut(request, conversation);
    // A time alone may answer what was asked back.
    let earlier: ReminderRequest | undefined;
    for (const said of session.recent) {
      const asked = requestIn(said, conversation);
      const isSet = asked !== undefined && !('question' in asked);
      earlier = (isSet ? undefined : earlier && answerToQuestion(said, earlier, now, timezone)) ?? asked;
    }
    const answered = earlier && answerToQuestion(text, earlier, now, timezone);
    const found = answered ?? request;
    return found === undefined ? undefined : carryOut(found, conversation);
  },
};

const unclear: Command = {
  pattern: /^remind\b/i,
  help: 'every 5 minutes TEXT, every day at 9:00 TEXT, every Monday at 8 TEXT',
  schedules: true,
  answer: () => `I can only remind this chat. ${EXAMPLES}`,
};

/** Reminders, once and again. */
export const REMINDER_COMMANDS: readonly Command[] = [remind, unclear];
