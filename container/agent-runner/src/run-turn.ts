import type { Layout } from '../../../src/protocol/layout.ts';
import type { OutputFrame, TurnInput } from '../../../src/protocol/turn.ts';
import { failureFrame } from './failure.ts';
import type { Inbox } from './inbox.ts';
import type { AgentProvider } from './providers/provider.ts';

export interface TurnRun {
  readonly input: TurnInput;
  readonly layout: Layout;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly provider: AgentProvider;
  readonly inbox: Inbox;
  readonly emit: (frame: OutputFrame) => Promise<void>;
  /** Aborted when the runner is to end. */
  readonly stop: AbortSignal;
}

/**
 * Answers the turn, then the follow-ups that came meanwhile, each in the session of the one before.
 * @returns the process's exit code: 1 as soon as the agent failed
 */
export async function runTurn(run: TurnRun): Promise<number> {
  const { input, layout, env, provider, inbox, emit, stop } = run;
  const wrapUp = new AbortController();
  void inbox.untilWrapUp(stop).then(() => wrapUp.abort());
  let { sessionId, resumeAt } = input;

  const answer = async (prompt: string): Promise<boolean> => {
    try {
      const session = { sessionId, resumeAt };
      const signals = { followUps: inbox, stop, wrapUp: wrapUp.signal };
      for await (const told of provider.answer({ input, layout, env, prompt, ...session, ...signals })) {
        const { unanswered = 0, ...frame } = told;
        if (frame.newSessionId !== undefined && frame.newSessionId !== sessionId) resumeAt = undefined;
        sessionId = frame.newSessionId ?? sessionId;
        resumeAt = frame.resumeAt ?? resumeAt;
        await emit({ ...frame, followUps: Math.max(0, inbox.taken - unanswered) });
        if (frame.status === 'error') return false;
      }
      return true;
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      await emit(failureFrame(error));
      return false;
    }
  };

  if (!(await answer(input.prompt))) return 1;
  for await (const followUp of inbox.rest()) {
    if (stop.aborted) break;
    if (!(await answer(followUp))) return 1;
  }
  return 0;
}
