import type { TaskSnapshot } from '../../../../../src/protocol/host-files.ts';
import { isoLocal, localTimeAt } from './local-time.ts';
import { type ReminderRequest, reminderText } from './reminder-request.ts';
import { readWhen } from './schedule-phrase.ts';

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
  const said = /^\d{1,2}(?:[:.]\d\d)?$/.test(phrase) ? `at ${phrase}` : phrase;
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

type When = NonNullable<ReturnType<typeof readWhen>>;

/** The new time with what it leaves open taken from the task. */
function withRest(phrase: string, when: When, task: TaskSnapshot, now: Date, timezone: string): When {
  const { schedule_type: type, schedule_value: value } = task;
  const next = new Date(task.next_run ?? Number.NaN);
  if (type === 'cron') {
    const time = typeof when.plan === 'string' ? null : /T(\d\d):(\d\d)/.exec(when.plan.value);
    if (!when.hasDay && time !== null) {
      const days = value.split(' ').slice(2).join(' ');
      return { ...when, plan: { type, value: `${Number(time[2])} ${Number(time[1])} ${days}` } };
    }
    // The two times of "at 5" are times of the one-time kind; that of a repeated one is said in full.
    if (!when.hasDay) return { ...when, open: undefined, choices: undefined };
    return when;
  }
  if (type !== 'once' || Number.isNaN(next.getTime())) return when;
  const set = isoLocal(localTimeAt(next, timezone));
  const [date, clock] = [set.slice(0, 10), set.slice(11, 16)];
  const whole = !when.hasDay
    ? `on ${date} ${/^(?:at|in)\b/i.test(phrase) ? phrase : `at ${phrase}`}`
    : !when.hasTime && when.choices === undefined && when.open !== undefined
      ? `${when.open} at ${clock}`
      : undefined;
  return (whole === undefined ? undefined : readWhen(whole, now, timezone)) ?? when;
}
