import type { TurnOutcome } from '../agent/agent.ts';
import { HOUR, MINUTE, SECOND } from '../clock.ts';
import { cutText, shortened } from '../protocol/graphemes.ts';
import type { OutputFrame } from '../protocol/turn.ts';

/** What went wrong with a turn, from the agent's own words and from how its sandbox ended. */
export interface Failure {
  /** In plain words, for every chat: names no file, no setting and no program. */
  readonly words: string;
  /** When another try may succeed, in a sentence for every chat, where time heals it. */
  readonly later?: string | undefined;
  /** What the owner can do about it, in sentences for the main channel, where that is known. */
  readonly fix?: string | undefined;
  /**
   * For the log and the run's row; its first line goes to the main channel where the words do not say the
   * cause.
   */
  readonly detail: string;
  /** Whether the words say all of the cause. */
  readonly isExplained: boolean;
  /** False: another try cannot heal it. */
  readonly retryable: boolean;
  /** The model's service is away or overloaded, or a limit there is reached: time heals it. */
  readonly isOutage: boolean;
  /** When the model's service answers again, in milliseconds after the failure, where it says so. */
  readonly retryAfterMs?: number | undefined;
}

type ErrorKind = NonNullable<OutputFrame['errorKind']>;

interface KindOfFailure extends Pick<Failure, 'words' | 'fix' | 'retryable'> {
  readonly isOutage?: true;
}

const OTHER: KindOfFailure = { words: 'the agent reported an error', retryable: true };

const BY_KIND: Readonly<Record<ErrorKind, KindOfFailure>> = {
  no_key: {
    words: 'I have no key for the model’s service',
    fix: 'Put one into .env and write again',
    retryable: false,
  },
  key_refused: {
    words: 'the model’s service refused the key',
    fix: 'Check it in .env and write again',
    retryable: false,
  },
  permission: {
    words: 'the model’s service does not let me do that',
    fix: 'The key lacks a permission, or its organization or region is not served: check the account',
    retryable: false,
  },
  billing: {
    words: 'the account at the model’s service has no credit left',
    fix: 'Add credit or raise the spending limit in the account’s billing settings, and write again',
    retryable: false,
  },
  model_unknown: {
    words: 'the model’s service does not know the model',
    retryable: false,
  },
  prompt_too_long: {
    words: 'that is more than the model can read at once',
    fix: 'A shorter message helps',
    retryable: false,
  },
  request_refused: { words: 'the model’s service refused the request', retryable: false },
  rate_limit: { words: 'the limit at the model’s service is reached', retryable: true, isOutage: true },
  overloaded: { words: 'the model’s service is overloaded', retryable: true, isOutage: true },
  service_error: {
    words: 'the model’s service has an error of its own',
    retryable: true,
    isOutage: true,
  },
  network: { words: 'the model’s service could not be reached', retryable: true, isOutage: true },
  not_installed: { words: 'the agent that is set is not installed', retryable: false },
  session_lost: { words: 'the thread of our conversation was lost', retryable: true },
  other: OTHER,
};

const BY_REASON = {
  exited: 'the agent ended unexpectedly',
  out_of_memory: 'the agent ran out of memory',
  timeout: 'the agent took too long and was stopped',
  stopped: 'the agent was stopped',
  start_failed: 'the agent could not be started',
  bad_output: 'the agent’s answer could not be read',
} as const satisfies Record<TurnOutcome['reason'], string>;

/** No outage is waited for longer than this. */
const LONGEST_WAIT_MS = HOUR;

/** Who has chosen the model of a turn: the chat's settings, AGENT_MODEL, or the agent itself. */
export type ModelSource = 'chat' | 'host' | 'agent';

/** What to do about a model that the service does not know. */
const MODEL_FIX: Readonly<Record<ModelSource, string>> = {
  chat: 'Check the model in this chat’s container_config',
  host: 'Check AGENT_MODEL in .env',
  agent: 'None is set, so the agent has chosen it: set AGENT_MODEL in .env to one that the key may use',
};

/**
 * @param errorFrame the last error that the agent reported itself
 * @returns undefined when the turn went well
 */
export function findFailure(
  outcome: TurnOutcome,
  errorFrame: OutputFrame | undefined,
  model: ModelSource = 'agent',
): Failure | undefined {
  if (errorFrame !== undefined) return reportedFailure(errorFrame, model);
  if (outcome.reason === 'exited' && outcome.exitCode === 0 && outcome.frames > 0) return undefined;
  const silent = outcome.reason === 'exited' && outcome.exitCode === 0;
  return {
    words: silent ? 'the agent ended without an answer' : BY_REASON[outcome.reason],
    detail: outcome.error ?? (silent ? 'exit without a frame' : outcome.reason),
    isExplained: silent || outcome.reason === 'timeout' || outcome.error === undefined,
    retryable: outcome.retryable,
    isOutage: false,
  };
}

function reportedFailure(
  { errorKind: kind = 'other', error, advice, retryAfterSeconds }: OutputFrame,
  model: ModelSource,
): Failure {
  const { words, retryable, isOutage = false, ...known } = BY_KIND[kind];
  const fix = kind === 'model_unknown' ? MODEL_FIX[model] : known.fix;
  const retryAfterMs = isOutage && retryAfterSeconds !== undefined ? retryAfterSeconds * SECOND : undefined;
  const when = retryAfterMs === undefined ? 'Try again later' : `Try again in ${inWords(retryAfterMs)}`;
  const fixes = [fix, advice === undefined ? undefined : firstLine(advice)].filter(Boolean);
  return {
    words,
    later: isOutage ? when : undefined,
    fix: fixes.length === 0 ? undefined : fixes.join('. '),
    detail: error ?? kind,
    isExplained: kind !== 'other',
    retryable: retryable && (retryAfterMs ?? 0) <= LONGEST_WAIT_MS,
    isOutage,
    retryAfterMs,
  };
}

/** A length of time as people say it, rounded up. */
function inWords(ms: number): string {
  const minutes = Math.max(1, Math.ceil(ms / MINUTE));
  if (minutes < 90) return minutes === 1 ? 'a minute' : `${minutes} minutes`;
  const hours = Math.ceil(minutes / 60);
  return hours < 36 ? `${hours} hours` : `${Math.ceil(hours / 24)} days`;
}

/** A message that triggered, as a notice names it. */
export interface Asked {
  readonly senderName: string;
  readonly text: string;
}

/** What a turn that is given up was to do. */
export interface GivenUp {
  /** The messages that it was to answer and that are neither answered nor taken back, in order. */
  readonly asked: readonly Asked[];
  /** Whether several people write in the chat. */
  readonly isGroup: boolean;
  /** What the task is to do, empty where the task is gone; undefined: it is no task's run. */
  readonly task: string | undefined;
}

/**
 * The message to the chat about a turn that is given up: plain words, in which no file, setting or program is
 * named.
 */
export function failureNotice(failure: Failure, turn: GivenUp): string {
  const cause = [failure.words, failure.later].filter((part) => part !== undefined).join('. ');
  return `⚠️ ${whatFailed(turn, failure)}: ${cause}.`;
}

/** As `failureNotice`, for the main channel's own turns: with the cause, the fix and the log's name. */
export function failureInMain(failure: Failure, turn: GivenUp, logFile: string | undefined): string {
  return `⚠️ ${whatFailed(turn, failure)}: ${causeInMain(failure, logFile)}`;
}

/** The line to the main channel about a turn that was given up in another chat. */
export function failureElsewhere(
  failure: Failure,
  chat: string,
  { asked, task }: GivenUp,
  logFile: string | undefined,
): string {
  const answers = asked.length > 1 ? `${asked.length} answers` : 'An answer';
  const subject = task === undefined ? answers : taskNamed(task);
  return `⚠️ ${subject} in ${firstLine(chat)} failed: ${causeInMain(failure, logFile)}`;
}

function whatFailed({ asked, isGroup, task }: GivenUp, { isOutage }: Failure): string {
  if (task === undefined) return `That did not work${forWhom(asked, isGroup, isOutage)}`;
  return `${taskNamed(task)} did not work`;
}

function taskNamed(task: string): string {
  return task === '' ? 'A task' : `The task “${firstWords(task)}”`;
}

function causeInMain(
  { words, later, fix, detail, isExplained }: Failure,
  logFile: string | undefined,
): string {
  const cause = isExplained ? words : `${words}: ${firstLine(detail)}`;
  const sentences = [cause, later, fix].filter((part) => part !== undefined).join('. ');
  return `${sentences}.${logFile === undefined ? '' : ` (${logFile})`}`;
}

/** So much of a message names it. */
const LONGEST_NAMING = 40;
/** So many messages are named; the others are counted. */
const MOST_NAMED = 5;

/**
 * Names what was asked where that is not plain: in a group, or where one notice covers several messages.
 * @param isLate the messages are from long ago: they are named in any case
 */
function forWhom(asked: readonly Asked[], isGroup: boolean, isLate = false): string {
  if (asked.length === 0 || (asked.length === 1 && !isGroup && !isLate)) return '';
  const named = asked.slice(0, MOST_NAMED).map((each) => nameOf(each, isGroup));
  const others = asked.length - named.length;
  const all = others === 0 ? named : [...named, `${others} more`];
  const last = all.pop();
  return ` for ${all.length === 0 ? last : `${all.join(', ')} and ${last}`}`;
}

function nameOf({ senderName, text }: Asked, isGroup: boolean): string {
  const words = firstWords(text);
  if (!isGroup) return words === '' ? 'a message without text' : `“${words}”`;
  return words === '' ? firstLine(senderName) : `${firstLine(senderName)} (“${words}”)`;
}

function thatOrNamed(asked: readonly Asked[], isGroup: boolean): string {
  const names = forWhom(asked, isGroup);
  return names === '' ? 'that' : `the work${names}`;
}

function firstWords(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  if (line.length <= LONGEST_NAMING) return line;
  const cut = cutText(line, LONGEST_NAMING);
  const end = cut.lastIndexOf(' ');
  return `${end > LONGEST_NAMING / 2 ? cut.slice(0, end) : cut}…`;
}

/**
 * The chat's one message about a turn that a crash cut off after it had begun to act.
 * @param isGroup whether several people write in the chat
 */
export function interruptedNotice(asked: readonly Asked[], isGroup: boolean): string {
  return (
    `⚠️ I was interrupted in the middle of ${thatOrNamed(asked, isGroup)}. Part of it may be done already, so I did not ` +
    'begin again: please look, and ask again for what is missing.'
  );
}

/** The chat's one message about a session that could not be resumed; the answer follows. */
export const SESSION_LOST_NOTICE =
  'ℹ️ I lost the thread of our conversation and begin a new one. What I wrote down is still there.';

/** The host itself failed: an answer that could not be stored, a sandbox that could not be prepared. */
export function hostFailure(error: unknown): Failure {
  const detail = error instanceof Error ? error.message : String(error);
  return { words: 'the host itself failed', detail, isExplained: false, retryable: true, isOutage: false };
}

/**
 * The chat's one message about a turn that was going at every crash.
 * @param isGroup whether several people write in the chat
 */
export function suspectNotice(asked: readonly Asked[], isGroup: boolean): string {
  return (
    `⚠️ I was interrupted every time in the middle of ${thatOrNamed(asked, isGroup)}, so I stopped trying. ` +
    'Please ask in another way.'
  );
}

/** A chat's one message while its turn waits for the model's service. */
export function outageNotice({ words }: Failure): string {
  const cause = words.charAt(0).toUpperCase() + words.slice(1);
  return `⏳ ${cause}. I keep trying for up to an hour and answer as soon as it works.`;
}

/** A chat's one message while it waits for a scheduled task to end. */
export const BEHIND_TASK_NOTICE =
  '⏳ A scheduled task is still running. I’ll answer you as soon as it is done.';

/** A chat's message about a turn that takes long. */
export const STILL_WORKING_NOTICE = '⏳ Still working on this.';

/** Main's one message, ever, about a trigger in the middle of a message. */
export function triggerNotice(trigger: string): string {
  return `ℹ️ I only answer messages that begin with ${trigger}. Put it first, for example: ${trigger} what time is it?`;
}

/** The hello of the first pairing. */
export function hello(assistantName: string): string {
  return [
    `Hello! I am ${assistantName}, and I live in this chat now.`,
    `Begin a message with @${assistantName} to call me, for example: @${assistantName} help`,
  ].join('\n');
}

/** What was closed because another account is linked now; undefined: nothing was. */
export function closedWithAccount(closed: {
  readonly messages: number;
  readonly chats: number;
  readonly runs: number;
}): string | undefined {
  const parts = [
    counted(closed.messages, 'message that was to be sent', 'messages that were to be sent'),
    counted(closed.chats, 'chat that waited for an answer', 'chats that waited for an answer'),
    counted(closed.runs, 'run', 'runs'),
  ].filter((part) => part !== undefined);
  if (parts.length === 0) return undefined;
  return (
    `ℹ️ Another account was linked before this one. I closed what was meant for its chats: ${parts.join(', ')}. ` +
    'Chats, tasks and memory are kept.'
  );
}

function counted(count: number, one: string, several: string): string | undefined {
  return count === 0 ? undefined : `${count} ${count === 1 ? one : several}`;
}

/** The owner's one message about a list of senders that cannot be read. */
export function brokenAllowlist(file: string, problem: string): string {
  return `⚠️ Only you can call me for now: ${firstLine(problem)}. Please mend or remove ${file}; the log says more.`;
}

/** The owner's one message about a group that the account is not in any more. */
export function leftGroup(name: string, pausedTasks: number): string {
  const tasks = pausedTasks === 0 ? '' : ` Its tasks are paused (${pausedTasks}).`;
  return `ℹ️ I am not in the group ${name} any more, so I do nothing there.${tasks} What I wrote down stays.`;
}

/** The chat's one message about a sender who seems to be an assistant too. @param until a time of day */
export function muteNotice(name: string, replies: number, until: string): string {
  const who = firstLine(name);
  return (
    `⏸️ ${who} wrote to me within two seconds of each of my last ${replies} replies, so we may be answering ` +
    `each other without end. I go on at ${until}; what ${who} asks until then waits.`
  );
}

/** The chat's one message about the limit of turns that it has reached. @param until a time of day */
export function limitNotice(turns: number, until: string): string {
  return (
    `⏸️ I have answered ${turns} times here within an hour, and take a break. I go on at ${until}; ` +
    'what you ask until then waits.'
  );
}

/** The owner's one message about the limit of turns that a chat has reached. @param until a time of day */
export function limitInMain(chat: string, turns: number, until: string): string {
  return (
    `⏸️ I have answered ${turns} times in ${firstLine(chat)} within an hour: that is the limit ` +
    `(MAX_TURNS_PER_HOUR). I go on there at ${until}; you are answered meanwhile, and what others ask waits.`
  );
}

const LONGEST_QUOTE = 200;

export function firstLine(text: string): string {
  return shortened(text.trim().split('\n', 1)[0] ?? '', LONGEST_QUOTE);
}
