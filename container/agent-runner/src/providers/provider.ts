import type { Layout } from '../../../../src/protocol/layout.ts';
import type { OutputFrame, Provider, TurnInput } from '../../../../src/protocol/turn.ts';

/** What an agent is asked: the turn's own prompt, or a follow-up in the same sandbox. */
export interface AgentTurn {
  readonly input: TurnInput;
  readonly layout: Layout;
  /** The process's environment with `env-dir/env` on top. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly prompt: string;
  /** The session to resume; undefined, or unknown to the agent: a new one. */
  readonly sessionId: string | undefined;
  readonly resumeAt: string | undefined;
}

/** One kind of agent. Each has one file here. */
export interface AgentProvider {
  readonly name: Provider;
  /**
   * Answers a prompt in frames; the session's id comes with the first. May throw instead of yielding an error frame:
   * a TurnFailure keeps its cause.
   */
  answer(turn: AgentTurn): AsyncIterable<OutputFrame>;
}
