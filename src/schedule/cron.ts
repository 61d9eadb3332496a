import { type CronExpression, CronExpressionParser } from 'cron-parser';
import { Info } from 'luxon';

/** The names that stand for an expression, and what they mean. */
const NAMED: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

interface Field {
  readonly name: string;
  /** The source of a pattern for one value. */
  readonly value: string;
  /** The source of a pattern for an item that is no value, range or step. */
  readonly special?: string;
  /** Whether a "?" may stand for "*", as other programs write it where the other field of the day decides. */
  readonly mayBeOpen?: true;
  readonly maxStep: number;
}

const NUMBER = String.raw`\d{1,2}`;
const MONTH = `(?:${NUMBER}|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)`;
const WEEKDAY = '(?:[0-7]|sun|mon|tue|wed|thu|fri|sat)';

const FIELDS: readonly Field[] = [
  { name: 'minute', value: NUMBER, maxStep: 59 },
  { name: 'hour', value: NUMBER, maxStep: 23 },
  { name: 'day of the month', value: NUMBER, special: 'l', mayBeOpen: true, maxStep: 31 },
  { name: 'month', value: MONTH, maxStep: 12 },
  { name: 'weekday', value: WEEKDAY, special: `${WEEKDAY}l|${WEEKDAY}#[1-5]`, mayBeOpen: true, maxStep: 7 },
];

const DAY_MS = 24 * 3_600_000;
/**
 * Wall clocks differ from UTC by less than this, and no zone change is larger (a whole day, at the date
 * line).
 */
const MAX_SHIFT_MS = DAY_MS + 2 * 3_600_000;
/** Two changes of a zone's offset are further apart than this. */
const STEP_MS = DAY_MS / 2;

/** A time in which a zone keeps its offset. All in milliseconds; `start` is included, `end` is not. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

/**
 * A cron expression in a time zone.
 *
 * The expression is evaluated on wall clock times, which have no gaps; this class maps them to instants. A
 * wall clock time that a zone skips fires once, at the first instant after the gap; one that occurs twice
 * fires the first time. An expression that fires in every hour of the day (`*` for the hour) fires whenever
 * the wall clock shows one of its times.
 */
export class Cron {
  readonly #expression: CronExpression;
  readonly #zone: ReturnType<typeof Info.normalizeZone>;

  /** @throws Error that says what is wrong with the expression */
  constructor(value: string, timezone: string) {
    // On wall clock times: as if they were UTC.
    this.#expression = CronExpressionParser.parse(fiveFields(value), { tz: 'UTC' });
    this.#zone = Info.normalizeZone(timezone);
  }

  /**
   * @param after milliseconds since the epoch
   * @returns the first time after that instant, in milliseconds since the epoch; undefined when there is none
   */
  next(after: number): number | undefined {
    const { hour } = this.#expression.fields;
    return hour.values.length === 24 ? this.#nextShown(after) : this.#nextReached(after);
  }

  /**
   * The first instant after `after` at which the wall clock reaches one of the times that it had not reached
   * before.
   */
  #nextReached(after: number): number | undefined {
    const before = [...this.#stretches(after - MAX_SHIFT_MS, after + 1)];
    const wall = this.#nextWall(Math.max(...before.map(({ end, offset }) => end - 1 + offset)));
    if (wall === undefined) return undefined;
    for (const { start, end, offset } of this.#stretches(wall - MAX_SHIFT_MS, wall + MAX_SHIFT_MS)) {
      const instant = Math.max(wall - offset, start);
      if (instant < end) return instant;
    }
    return undefined;
  }

  /** The first instant after `after` at which the wall clock shows one of the times. */
  #nextShown(after: number): number | undefined {
    for (let from = after + 1; ; ) {
      const until = from + 2 * DAY_MS;
      let next = Number.POSITIVE_INFINITY;
      for (const { start, end, offset } of this.#stretches(from, until)) {
        const wall = this.#nextWall(start + offset - 1);
        if (wall === undefined) continue;
        next = wall - offset;
        if (next < end) return next;
      }
      if (next === Number.POSITIVE_INFINITY) return undefined;
      // What a change of the offset repeats on the way has been looked at: it goes back by a day at most.
      from = Math.max(until, next - DAY_MS);
    }
  }

  /** The next of the expression's wall clock times, written as if it were UTC. */
  #nextWall(after: number): number | undefined {
    this.#expression.reset(new Date(after));
    return this.#expression.take(1)[0]?.getTime();
  }

  *#stretches(from: number, until: number): Generator<Stretch> {
    let start = from;
    let offset = this.#offset(from);
    for (let at = from; at < until; ) {
      const next = Math.min(at + STEP_MS, until);
      if (this.#offset(next) === offset) {
        at = next;
        continue;
      }
      const change = this.#change(at, next, offset);
      yield { start, end: change, offset };
      [start, at, offset] = [change, change, this.#offset(change)];
    }
    if (start < until) yield { start, end: until, offset };
  }

  /** The first instant in (from, until] at which the zone has another offset. */
  #change(from: number, until: number, offset: number): number {
    let [before, change] = [from, until];
    while (change - before > 1) {
      const middle = Math.floor((before + change) / 2);
      if (this.#offset(middle) === offset) before = middle;
      else change = middle;
    }
    return change;
  }

  /** Milliseconds that the zone is ahead of UTC. */
  #offset(instant: number): number {
    return this.#zone.offset(instant) * 60_000;
  }
}

/**
 * The expression as five fields that the parser takes as people mean them.
 * @throws Error that says what is wrong
 */
function fiveFields(value: string): string {
  const text = value.trim().toLowerCase();
  const named = NAMED[text];
  if (named !== undefined) return named;
  if (text.startsWith('@')) throw new Error(`the names are ${Object.keys(NAMED).join(', ')}`);
  const fields = text.split(/\s+/);
  if (fields.length !== FIELDS.length) throw new Error(`it has ${fields.length} of them`);
  for (const [index, field] of FIELDS.entries()) checkField(field, fields[index] ?? '');
  // The parser knows this letter in upper case only.
  return fields.map((text, index) => (index === 3 ? text : text.replace(/l(?=,|$)/g, 'L'))).join(' ');
}

function checkField({ name, value, special, mayBeOpen, maxStep }: Field, text: string): void {
  if (mayBeOpen && text === '?') return;
  const plain = new RegExp(String.raw`^(?:\*|${value}(?:-${value})?)(?:/(\d{1,2}))?$`);
  const other = special === undefined ? undefined : new RegExp(`^(?:${special})$`);
  for (const item of text.split(',')) {
    if (other?.test(item)) continue;
    const step = plain.exec(item)?.[1] ?? (plain.test(item) ? '1' : undefined);
    if (step === undefined) throw new Error(`"${item}" is not a possible ${name}`);
    if (Number(step) < 1 || Number(step) > maxStep) {
      throw new Error(`the step of the ${name} is from 1 to ${maxStep}`);
    }
  }
}
