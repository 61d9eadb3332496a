import { asUtc, type LocalTime, WEEKDAYS } from './local-time.ts';
import { ScheduleProblem, type When } from './schedule.ts';
import {
  BARE_CLOCK,
  CLOCK,
  type Clock,
  capitalize,
  clockInPart,
  DAY,
  durationMs,
  halves,
  inThe,
  isOpenHour,
  MONTH,
  monthOf,
  monthWord,
  ORDINAL,
  takeDayPart,
  UNIT,
  WEEKDAY,
  weekdayOf,
  whichHour,
} from './time-words.ts';

const EVERY = '(?:every|each)';

/** A recurring schedule: milliseconds for "every 5 minutes", cron for times of day. @throws ScheduleProblem */
export function readEvery(text: string, here: LocalTime): When | undefined {
  const plain = text
    .replace(
      /^on (?=mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays|weekdays|weekends)/,
      'every ',
    )
    .replace(/^(?=(?:mon|tues|wednes|thurs|fri|satur|sun)days\b|weekdays\b|weekends\b)/, 'every ')
    .replace(/\bdaily\b/, 'every day')
    .replace(/\bhourly\b/, 'every hour')
    .replace(/\bweekly\b/, 'every week')
    .replace(/\bmonthly\b/, 'every month')
    .replace(/\b(?:yearly|annually)\b/, 'every year')
    .replace(/\bworkdays?\b/, 'weekday')
    .replace(/\bfirst\b/, '1st')
    .replace(/\bat midnight\b/, 'at 0:00');
  if (!new RegExp(`\\b${EVERY} `).test(plain)) return undefined;
  const list = `${CLOCK}(?:(?:,| and|, and) (?:at )?${CLOCK})*`;
  const bareList = `${BARE_CLOCK}(?:(?:,| and|, and) (?:at )?${CLOCK})*`;
  const spoken = new RegExp(`(?:^| )(?:at (${list})|(${bareList}))`).exec(plain);
  const parted = takeDayPart(spoken === null ? plain : plain.replace(spoken[0], ' ').trim());
  const part = parted.part;
  const rest = parted.rest
    .replace(/\s+/g, ' ')
    .trim()
    .replace(part === undefined ? /$^/ : new RegExp(`^${EVERY}$`), 'every day');
  const said = spoken?.[1] ?? spoken?.[2];
  const times = said?.split(/,? and |, ?/).map((one) => one.replace(/^at /, ''));
  const clocks = times?.map((one) => clockInPart(one, part));
  const isDaily = new RegExp(`^${EVERY} day$`).test(rest) && (clocks !== undefined || part !== undefined);
  const days = isDaily ? '* * *' : cronDays(rest);
  const open = times?.findIndex((time) => isOpenHour(time, part)) ?? -1;
  const unsure = days === undefined ? undefined : clocks?.[open];
  if (unsure !== undefined) {
    const choices = clocks?.length === 1 ? halves(rest, unsure) : undefined;
    return { plan: whichHour(unsure), hasDay: true, hasTime: false, open: rest, choices };
  }
  if (days !== undefined) return atClocks(days, clocks, rest, part);
  const counted = new RegExp(`^${EVERY} (?:(\\d{1,9}(?:\\.\\d{1,3})?|other|2nd|second) ?)?(${UNIT})$`).exec(
    rest,
  );
  if (counted === null || part !== undefined) return undefined;
  const [, count = '1', unit = ''] = counted;
  const amount = /^\d/.test(count) ? count : '2';
  // "every second" goes on as "every second Friday".
  if (/^sec/.test(unit) && counted[1] === undefined) return undefined;
  const repeats = (plan: When['plan'], hasTime = true): When => ({ plan, hasDay: true, hasTime });
  if (/^mo|^y/.test(unit)) {
    const example = unit.startsWith('mo') ? 'every month on the 1st' : 'every year on 12 December';
    return repeats(`On which day, and at what time? Say for example: ${example} at 9:00.`, false);
  }
  if (clocks !== undefined)
    return repeats(
      'A time of day goes with "every day", "every weekday", days of the week or a day of the month.',
    );
  const ms = durationMs(amount, unit);
  if (ms === DAY || ms === 7 * DAY) {
    const days =
      ms === DAY ? 'every day' : `every ${capitalize(WEEKDAYS[new Date(asUtc(here)).getUTCDay()] ?? '')}`;
    return { ...repeats(`At what time? Say for example: ${days} at 9:00.`, false), open: days.toLowerCase() };
  }
  return repeats({ type: 'interval', value: String(ms) });
}

/** The last three fields of a cron expression; undefined where the text names no days. @throws ScheduleProblem */
function cronDays(text: string): string | undefined {
  if (new RegExp(`^${EVERY} weekdays?$`).test(text)) return '* * 1-5';
  if (new RegExp(`^${EVERY} weekends?$`).test(text)) return '* * 0,6';
  const names = new RegExp(
    `^(?:${EVERY} week on |${EVERY} )(${WEEKDAY}s?(?:(?:,| and|, and| &) (?:${EVERY} |on )?${WEEKDAY}s?)*)$`,
  ).exec(text)?.[1];
  if (names !== undefined) {
    const numbers = [...names.matchAll(new RegExp(WEEKDAY, 'g'))].map(([name]) => weekdayOf(name));
    return `* * ${[...new Set(numbers)].sort().join(',')}`;
  }
  const monthly =
    new RegExp(`^${EVERY} month on (?:the )?(?:${ORDINAL}|(\\d{1,2})|(last day))$`).exec(text) ??
    new RegExp(`^(?:on )?(?:the )?(?:${ORDINAL}|(\\d{1,2})|(last day))(?: day)? of ${EVERY} month$`).exec(
      text,
    ) ??
    new RegExp(`^(?:on )?${EVERY} (?:${ORDINAL}|()(last day))(?: day)? of the month$`).exec(text);
  if (monthly !== null) {
    if (monthly[3] !== undefined) return 'L * *';
    const day = Number(monthly[1] ?? monthly[2]);
    if (day < 1 || day > 31) throw new ScheduleProblem(`No month has a day ${day}.`);
    if (day > 28)
      throw new ScheduleProblem(
        `Not every month has a day ${day}. Say a day up to 28, or: on the last day of every month.`,
      );
    return `${day} * *`;
  }
  const date = `(?:the )?(?:(\\d{1,2})(?:st|nd|rd|th)?(?: of)? (${MONTH})|(${MONTH}) (?:the )?(\\d{1,2})(?:st|nd|rd|th)?)`;
  const yearly =
    new RegExp(`^${EVERY} year on ${date}$`).exec(text) ??
    new RegExp(`^(?:on )?${date} ${EVERY} year$`).exec(text) ??
    new RegExp(`^${EVERY} ${date}$`).exec(text);
  if (yearly === null) return undefined;
  const day = Number(yearly[1] ?? yearly[4]);
  const month = monthOf(yearly[2] ?? yearly[3] ?? '');
  const most = new Date(Date.UTC(2025, month, 0)).getUTCDate();
  if (day < 1 || day > most) throw new ScheduleProblem(`Not every year has a ${day} ${monthWord(month)}.`);
  return `${day} ${month} *`;
}

function atClocks(
  days: string,
  clocks: readonly Clock[] | undefined,
  said: string,
  part: string | undefined,
): When {
  if (clocks === undefined) {
    const plan = `At what time${inThe(part)}? Say for example: ${said} at 9:00.`;
    return {
      plan,
      hasDay: true,
      hasTime: false,
      open: `${said}${part === undefined ? '' : ` in the ${part}`}`,
    };
  }
  const [first, ...others] = clocks;
  if (first === undefined || others.some(({ minute }) => minute !== first.minute)) {
    const plan = 'I can only repeat times with the same minute in one go. Say one request for each time.';
    return { plan, hasDay: true, hasTime: true };
  }
  const hours = [...new Set(clocks.map(({ hour }) => hour))].sort((one, other) => one - other).join(',');
  return { plan: { type: 'cron', value: `${first.minute} ${hours} ${days}` }, hasDay: true, hasTime: true };
}
