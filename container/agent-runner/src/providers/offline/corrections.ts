import type { TaskSnapshot } from '../../../../../src/protocol/host-files.ts';
import { isoLocal, localTimeAt } from './local-time.ts';
import { type ReminderRequest, reminderText } from './reminder-request.ts';
import type { When } from './schedule.ts';
import { readWhen } from './schedule-phrase.ts';
import { describeSchedule } from './schedule-words.ts';

const LEAD =
  /^(?:(?:no+|nope|sorry|wait|oops|actually|rather|i mean|i meant|i said)\b[,.!]*\s*|(?:can you |please )?(?:(?:make|change|move|set|shift|reschedule|update|push|postpone) (?:it|that|this)(?: one)?(?: back)?\b(?: (?:to|for|until)\b)?)\s*)+/i;
const COURTESY = /,?\s+(?:please|pls|instead|thanks|thank you|thx)[.!?]*$/i;

/** What follows "no," or "make it": undefined where the text corrects nothing. */
export function correctionOf(text: string): string | undefined {
  const lead = LEAD.exec(text)?.[0];
  const rest = lead === undefined ? '' : text.slice(lead.length).replace(COURTESY, '').trim();
  return rest === '' ? undefined : rest;
}

/**
 * Another time for the reminder that was spoken of last: what is not said stays as it is.
 * @param phrase the new time, or a part of it
 * @returns undefined where the phrase is no time
 */
export function correct(
  phrase: string,
  task: TaskSnapshot | undefined,
  now: Date,
  timezone: string,
): ReminderRequest | undefined {
  const said = /^\d{1,2}(?:[:.]\d\d)?(?: ?[ap]\.?m\.?)?$/i.test(phrase) ? `at ${phrase}` : phrase;
  const when = readWhen(said, now, timezone);
  if (when === undefined) return undefined;
  if (task === undefined)
    return { question: 'Which reminder? Say "list tasks" to see them; I change the one that was set last.' };
  const what = reminderText(task.prompt) ?? task.prompt;
  const { plan, open, choices } = withRest(said, when, task, now, timezone);
  return typeof plan === 'string'
    ? { question: plan, what, open, choices, taskId: task.id }
    : { what, schedule: plan, taskId: task.id };
}

/** The new time with what it leaves open taken from the task. */
function withRest(phrase: string, when: When, task: TaskSnapshot, now: Date, timezone: string): When {
  const { schedule_type: type, schedule_value: value } = task;
  const next = new Date(task.next_run ?? Number.NaN);
  if (type !== 'once') {
    const daily = when.hasDay ? undefined : readWhen(`every day ${phrase}`, now, timezone)?.plan;
    const ask = (plan: string): When => ({ plan, hasDay: true, hasTime: true });
    if (typeof daily === 'string') return ask(`${daily} Say for example: make it 17:00.`);
    if (type === 'cron' && daily !== undefined) {
      const [minute, hour] = daily.value.split(' ');
      const days = value.split(' ').slice(2);
      return { ...when, plan: { type, value: [minute, hour, ...days].join(' ') } };
    }
    if (typeof when.plan !== 'string' && when.plan.type !== 'once') return when;
    const words = describeSchedule({ type, value });
    return ask(`That one repeats (${words}). Say how often, for example: no, every day at 9:00.`);
  }
  if (Number.isNaN(next.getTime())) return when;
  const set = isoLocal(localTimeAt(next, timezone));
  const [date, clock] = [set.slice(0, 10), set.slice(11, 16)];
  const whole = !when.hasDay
    ? `on ${date} ${/^(?:at|in)\b/i.test(phrase) ? phrase : `at ${phrase}`}`
    : !when.hasTime && when.choices === undefined && when.open !== undefined
      ? `${when.open} at ${clock}`
      : undefined;
  return (whole === undefined ? undefined : readWhen(whole, now, timezone)) ?? when;
}
