import type { Layout } from '../../../../src/protocol/layout.ts';
import type { Provider } from '../../../../src/protocol/provider.ts';
import type { OutputFrame, TurnInput } from '../../../../src/protocol/turn.ts';

/** The follow-ups that come while the agent works. */
export interface FollowUps {
  /**
   * Each follow-up as it comes, until the signal aborts. Its file is unlinked when it is handed out: only an agent that
   * takes it into the running turn may ask for it. The others are answered one by one after the turn.
   */
  arriving(until: AbortSignal): AsyncIterable<string>;
}

/** What an agent finds before it is asked anything. */
export interface Surroundings {
  readonly layout: Layout;
  /** The process's environment, `env-dir/env` and, once the turn is read, its secrets; the addresses in it can be reached from here. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the turn must end: the agent's program is to be gone within two seconds. */
  readonly stop: AbortSignal;
}

/** What an agent is asked: the turn's own prompt, or a follow-up in the same sandbox. */
export interface AgentTurn extends Surroundings {
  readonly input: TurnInput;
  readonly prompt: string;
  /** The session to resume; undefined: a new one. */
  readonly sessionId: string | undefined;
  readonly resumeAt: string | undefined;
  readonly followUps: FollowUps;
  /** Aborted when time is nearly up: break off, and answer with what there is. */
  readonly wrapUp: AbortSignal;
}

/** A frame as an agent tells it. */
export type AgentFrame = Omit<OutputFrame, 'followUps'> & {
  /** How many of the follow-ups that it took wait for another answer. */
  readonly unanswered?: number;
};

/** One kind of agent. Each has one file here. */
export interface AgentProvider {
  readonly name: Provider;
  /**
   * Answers a prompt in frames; the session's id comes with the first, as soon as it is known. May throw instead of
   * yielding an error frame: a TurnFailure keeps its cause.
   */
  answer(turn: AgentTurn): AsyncIterable<AgentFrame>;
  /**
   * Starts the program before the turn is known, where it takes long to start: the turn's first answer takes it, if it is what
   * that needs. Never rejects: what is missing is said by the answer.
   */
  startAhead?(surroundings: Surroundings): Promise<void>;
  /** Ends what was started ahead and no answer took. */
  dropAhead?(): Promise<void>;
}
