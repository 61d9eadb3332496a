import type { TurnOutcome } from '../agent/agent.ts';
import type { OutputFrame } from '../protocol/turn.ts';

/** What went wrong with a turn, from the agent's own words and from how its sandbox ended. */
export interface Failure {
  /** In plain words, for the chat. */
  readonly words: string;
  /** For the log and the run's row. */
  readonly detail: string;
  /** False: another try cannot heal it. */
  readonly retryable: boolean;
}

type ErrorKind = NonNullable<OutputFrame['errorKind']>;

const BY_KIND = {
  no_key: { words: 'the agent has no key. Put one into .env and write again', retryable: false },
  key_refused: {
    words: 'the model’s service refused the key. Check it in .env and write again',
    retryable: false,
  },
  model_unknown: {
    words: 'the model’s service does not know the model that is set. Check AGENT_MODEL',
    retryable: false,
  },
  rate_limit: {
    words: 'the model’s service is too busy, or the limit of the key is reached. Try again later',
    retryable: true,
  },
  network: { words: 'the model’s service could not be reached', retryable: true },
  not_installed: { words: 'the agent that is set is not installed in its sandbox', retryable: false },
  session_lost: { words: 'the thread of our conversation was lost', retryable: true },
  other: { words: 'the agent reported an error', retryable: true },
} as const satisfies Record<ErrorKind, Pick<Failure, 'words' | 'retryable'>>;

const BY_REASON = {
  exited: 'the agent ended unexpectedly',
  out_of_memory: 'the agent ran out of memory',
  timeout: 'the agent took too long and was stopped',
  stopped: 'the agent was stopped',
  start_failed: 'the agent’s sandbox could not be started',
  bad_output: 'the agent’s answer could not be read',
} as const satisfies Record<TurnOutcome['reason'], string>;

/**
 * @param errorFrame the last error that the agent reported itself
 * @returns undefined when the turn went well
 */
export function findFailure(outcome: TurnOutcome, errorFrame: OutputFrame | undefined): Failure | undefined {
  if (errorFrame !== undefined) {
    const kind = errorFrame.errorKind ?? 'other';
    const detail = errorFrame.error ?? kind;
    const told = kind === 'other' ? `${BY_KIND.other.words}: ${firstLine(detail)}` : BY_KIND[kind].words;
    const { advice } = errorFrame;
    const words = advice === undefined ? told : `${told}. ${firstLine(advice)}`;
    return { words, detail, retryable: BY_KIND[kind].retryable };
  }
  if (outcome.reason === 'exited' && outcome.exitCode === 0 && outcome.frames > 0) return undefined;
  const silent = outcome.reason === 'exited' && outcome.exitCode === 0;
  return {
    words: silent ? 'the agent ended without an answer' : BY_REASON[outcome.reason],
    detail: outcome.error ?? (silent ? 'exit without a frame' : outcome.reason),
    retryable: outcome.retryable,
  };
}

/** The chat's one message about a turn that is given up. */
export function failureNotice(failure: Failure, logFile: string | undefined): string {
  return `⚠️ That did not work: ${failure.words}.${logFile === undefined ? '' : ` (${logFile})`}`;
}

/** The chat's one message about a turn that a crash cut off after it had begun to act. */
export const INTERRUPTED_NOTICE =
  '⚠️ I was interrupted in the middle of that. Part of it may be done already, so I did not begin again: please look, and ask again for what is missing.';

/** The chat's one message about a session that could not be resumed; the answer follows. */
export const SESSION_LOST_NOTICE =
  'ℹ️ I lost the thread of our conversation and begin a new one. What I wrote down is still there.';

/** The host itself failed: an answer that could not be stored, a sandbox that could not be prepared. */
export function hostFailure(error: unknown): Failure {
  const detail = error instanceof Error ? error.message : String(error);
  return { words: `the host itself failed (${firstLine(detail)})`, detail, retryable: true };
}

/** The chat's one message about a turn that was going at every crash. */
export const SUSPECT_NOTICE =
  '⚠️ I was interrupted every time I worked on that, so I stopped trying. Please ask in another way.';

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

/** The chat's one message about somebody who seems to be an assistant too. @param until a time of day */
export function restNotice(name: string, answers: number, minutes: number, until: string): string {
  return `⏸️ I have answered ${firstLine(name)} ${answers} times in ${minutes} minutes, and each answer brought the next call. I rest until ${until}. Write again then.`;
}

const LONGEST_QUOTE = 200;

function firstLine(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line;
}
