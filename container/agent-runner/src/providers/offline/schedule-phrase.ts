import { localTimeAt } from './local-time.ts';
import { readDelay, readOnce } from './one-time-phrase.ts';
import { normalize } from './plain-phrase.ts';
import { readEvery } from './repeated-phrase.ts';
import { ScheduleProblem, type When } from './schedule.ts';

/** A longer phrase is more than a time. */
const MAX_LENGTH = 120;

/**
 * What a phrase says about a time, once or again and again; undefined where the whole of it is not about a time.
 * @param now the instant at which it is said
 * @param timezone the IANA name of the zone in which it is meant
 */
export function readWhen(phrase: string, now: Date, timezone: string): When | undefined {
  if (phrase.length > MAX_LENGTH) return undefined;
  const text = normalize(phrase);
  const here = localTimeAt(now, timezone);
  try {
    return readEvery(text, here) ?? readDelay(text, now, here) ?? readOnce(text, here);
  } catch (error) {
    if (error instanceof ScheduleProblem) return { plan: error.message, hasDay: true, hasTime: true };
    throw error;
  }
}
