import type { InboundMessage } from '../channel/channel.ts';
import { type Clock, HOUR, MINUTE, SECOND } from '../clock.ts';
import type { Log } from '../log.ts';
import { formatTime } from '../schedule/schedule.ts';
import type { Call } from '../store/messages.ts';
import type { Store } from '../store/store.ts';
import { restNotice } from './notices.ts';

/** So many answers in so long, each followed this soon by a call of the same one sender, and nobody else calling. */
interface LoopRule {
  readonly answers: number;
  readonly windowMs: number;
  /** A call that comes this soon after an answer replies to it. */
  readonly promptMs: number;
}

/** Ten answers within five minutes, each followed by the next call within ten seconds: no person does that. */
export const FAST: LoopRule = { answers: 10, windowMs: 5 * MINUTE, promptMs: 10 * SECOND };
/** Two agents that take their time: thirty answers within two hours, each followed by the next call within a minute. */
export const SLOW: LoopRule = { answers: 30, windowMs: 2 * HOUR, promptMs: MINUTE };
const RULES = [FAST, SLOW];
const MOST_ANSWERS = Math.max(...RULES.map(({ answers }) => answers));

/** The platform tells whole seconds, and its clock is another one. */
const CLOCK_MS = 2 * SECOND;
const REST_MS = 15 * MINUTE;

/**
 * Which rule says that a call closes a loop of two assistants; undefined: none does.
 * @param answers when the last answers of the chat were stored, the newest last, in milliseconds since the epoch
 * @param calls who called in the chat since the first of them, the present call left out
 * @param call the present one
 */
export function loopOf(answers: readonly number[], calls: readonly Call[], call: Call): LoopRule | undefined {
  return RULES.find((rule) => isLoop(rule, answers, calls, call));
}

function isLoop(rule: LoopRule, answers: readonly number[], calls: readonly Call[], call: Call): boolean {
  const recent = answers.slice(-rule.answers);
  const [first] = recent;
  if (first === undefined || recent.length < rule.answers || call.at - first > rule.windowMs) return false;
  const all = [...calls, call];
  if (all.some(({ sender, at }) => at >= first && sender !== call.sender)) return false;
  return recent.every((answer) =>
    all.some(({ at }) => at >= answer - CLOCK_MS && at <= answer + rule.promptMs + CLOCK_MS),
  );
}

export interface LoopBreakerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly timezone: string;
}

/** Lets a chat rest from a sender who answers every answer, as an assistant of another make does. Others are heard. */
export class LoopBreaker {
  readonly #options: LoopBreakerOptions;

  constructor(options: LoopBreakerOptions) {
    this.#options = options;
  }

  /** To be asked of every call, in the transaction that stores it. @returns whether nobody is to answer it */
  rests({
    chatJid,
    senderJid,
    senderName,
    fromMe,
    timestamp,
  }: Pick<InboundMessage, 'chatJid' | 'senderJid' | 'senderName' | 'fromMe' | 'timestamp'>): boolean {
    if (fromMe) return false;
    const { store, clock, log, timezone } = this.#options;
    const now = clock.now();
    const key = `rest:${chatJid} ${senderJid}` as const;
    if (now < Number(store.state.get(key) ?? 0)) return true;
    const answers = store.runs.answers(chatJid, MOST_ANSWERS);
    const [first] = answers;
    if (first === undefined) return false;
    const calls = store.messages.callsSince(chatJid, first - CLOCK_MS);
    // What waited for a line that was away tells its own time; a clock that is ahead must not hide a loop.
    const call = { sender: senderJid, at: Math.min(timestamp, now) };
    const rule = loopOf(answers, calls, call);
    if (rule === undefined) return false;
    const until = now + REST_MS;
    store.state.set(key, String(until));
    const text = restNotice(senderName, rule.answers, rule.windowMs / MINUTE, formatTime(until, timezone));
    store.outbox.add({ chatJid, message: { kind: 'text', text }, source: 'notice' }, now);
    log.warn({ chat: chatJid, sender: senderJid }, 'A sender called after every answer: the chat rests');
    return true;
  }
}
