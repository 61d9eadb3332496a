import type { Command, Conversation } from './command.ts';
import { wordReply } from './host-reply.ts';
import { describeInstant } from './local-time.ts';
import {
  describeSchedule,
  parseEvery,
  parseOnce,
  type Schedule,
  ScheduleProblem,
  WHEN,
} from './schedule-phrase.ts';

/** A task's prompt, in words that any agent understands, should the agent be changed before it is due. */
const REMINDER_PROMPT = 'Send a reminder: ';
const LEAD_IN = '(?:to|that|about|of)';

/** What a reminder's prompt reminds of; undefined when the prompt is something else. */
export function reminderText(prompt: string): string | undefined {
  return prompt.startsWith(REMINDER_PROMPT) ? prompt.slice(REMINDER_PROMPT.length).trim() : undefined;
}

function nextRunOf(
  result: { nextRun?: string | null | undefined; nextRunLocal?: string | null | undefined },
  timezone: string,
) {
  if (result.nextRunLocal) return result.nextRunLocal;
  const instant = new Date(result.nextRun ?? Number.NaN);
  return Number.isNaN(instant.getTime()) ? undefined : describeInstant(instant, timezone);
}

async function schedule(
  plan: Schedule,
  what: string,
  { mailbox, turn, timezone }: Conversation,
): Promise<string> {
  const reply = await mailbox.send({
    type: 'schedule_task',
    prompt: `${REMINDER_PROMPT}${what}`,
    schedule_type: plan.type,
    schedule_value: plan.value,
    context_mode: 'group',
    targetJid: turn.input.chatJid,
  });
  return wordReply(reply, (result) => {
    const next = nextRunOf(result, timezone);
    const when =
      plan.type === 'once'
        ? (next ?? 'when it is time')
        : `${describeSchedule(plan)}${next === undefined ? '' : `, next ${next}`}`;
    return `I will remind you: ${what}\n${when}${result.taskId === undefined ? '' : ` (task ${result.taskId})`}`;
  });
}

/** Reads the schedule, and answers with its problem where it has one. */
async function remind(parse: () => Schedule, what: string, conversation: Conversation): Promise<string> {
  try {
    return await schedule(parse(), what.trim(), conversation);
  } catch (error) {
    if (error instanceof ScheduleProblem) return error.message;
    throw error;
  }
}

function pattern(source: string): RegExp {
  return new RegExp(source, 'is');
}

const onceFirst: Command = {
  pattern: pattern(`^remind\\s+me\\s+(?<when>${WHEN.once})\\s+(?:${LEAD_IN}\\s+)?(?<what>\\S.*)$`),
  help: 'remind me in 10 minutes to TEXT, or: at 15:30 to TEXT',
  schedules: true,
  answer: ({ groups }, conversation) =>
    remind(
      () => parseOnce(groups?.when ?? '', conversation.now, conversation.timezone),
      groups?.what ?? '',
      conversation,
    ),
};

const onceLast: Command = {
  ...onceFirst,
  pattern: pattern(`^remind\\s+me\\s+(?:${LEAD_IN}\\s+)?(?<what>\\S.*?)\\s+(?<when>${WHEN.once})[.!]*$`),
};

const everyFirst: Command = {
  pattern: pattern(
    `^(?:remind\\s+me\\s+)?(?<when>${WHEN.every})[,:]?\\s+(?:remind\\s+me\\s+)?(?:${LEAD_IN}\\s+)?(?<what>\\S.*)$`,
  ),
  help: 'every 5 minutes TEXT, every day at 9:00 TEXT, every monday at 8 TEXT',
  schedules: true,
  answer: ({ groups }, conversation) =>
    remind(() => parseEvery(groups?.when ?? ''), groups?.what ?? '', conversation),
};

const everyLast: Command = {
  ...everyFirst,
  pattern: pattern(`^remind\\s+me\\s+(?:${LEAD_IN}\\s+)?(?<what>\\S.*?)\\s+(?<when>${WHEN.every})[.!]*$`),
};

const unclear: Command = {
  pattern: /^(?:remind\b|every\b)/i,
  schedules: true,
  answer: () =>
    'When, and of what? For example: remind me in 10 minutes to stretch, or: every day at 9:00 water the plants.',
};

function listedOnce({ help, ...command }: Command): Command {
  return command;
}

/** Reminders, once and again. */
export const REMINDER_COMMANDS: readonly Command[] = [
  onceFirst,
  everyFirst,
  listedOnce(everyLast),
  listedOnce(onceLast),
  unclear,
];
