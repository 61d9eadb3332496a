const SECONDS_OF = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/**
 * A length of time as the services and programs write it: `20 seconds`, `6m0s`, `1.2s`, `2 hours 5 minutes`.
 */
const PART = /([\d.]+)\s*(ms|milliseconds?|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)(?![a-z])/gi;
const LENGTH =
  /(?:again|retry|resets?|retry after)\s+(?:in|after)\s+(?:about\s+)?((?:[\d.]+\s*[a-z]+,?\s*)+)/i;

/** OpenAI's bodies and the header's name in a text. */
const IN_SECONDS = /(?:resets_in_seconds|retry[-_ ]after)["':=\s]+(\d+(?:\.\d+)?)/i;
/** Seconds since the epoch: OpenAI's bodies, and Claude's earlier words for a subscription's limit. */
const EPOCH = /(?:resets_at["':=\s]+|limit reached\|)(\d{10})\b/i;
/** Anthropic, of a spend limit. */
const ACCESS_ON = /regain access on (\d{4}-\d{2}-\d{2}) at (\d{2}:\d{2}) UTC/i;

/**
 * When a service answers again, as its words say.
 * @param now milliseconds since the epoch
 * @returns whole seconds from now, rounded up; undefined: the words do not say
 */
export function retryAfterSeconds(said: string, now: number): number | undefined {
  const plain = IN_SECONDS.exec(said)?.[1];
  if (plain !== undefined) return wholeSeconds(Number(plain));
  const epoch = EPOCH.exec(said)?.[1];
  if (epoch !== undefined) return wholeSeconds(Number(epoch) - now / 1_000);
  const [, date, time] = ACCESS_ON.exec(said) ?? [];
  if (date !== undefined) return wholeSeconds((Date.parse(`${date}T${time}Z`) - now) / 1_000);
  const length = LENGTH.exec(said)?.[1];
  return length === undefined ? undefined : wholeSeconds(lengthInSeconds(length));
}

function lengthInSeconds(length: string): number {
  let seconds = 0;
  for (const [, number = '', unit = ''] of length.matchAll(PART)) {
    seconds += Number(number) * SECONDS_OF[shortUnit(unit.toLowerCase())];
  }
  return seconds;
}

function shortUnit(unit: string): keyof typeof SECONDS_OF {
  if (unit.startsWith('ms') || unit.startsWith('milli')) return 'ms';
  return unit.charAt(0) as keyof typeof SECONDS_OF;
}

function wholeSeconds(seconds: number): number | undefined {
  return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : undefined;
}
