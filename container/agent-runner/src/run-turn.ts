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
}

/**
 * Answers the turn, then the follow-ups that came meanwhile, each in the session of the one before.
 * @returns the process's exit code: 1 as soon as the agent failed
 */
export async function runTurn({ input, layout, env, provider, inbox, emit }: TurnRun): Promise<number> {
  let { sessionId, resumeAt } = input;

  const answer = async (prompt: string): Promise<boolean> => {
    try {
      for await (const frame of provider.answer({ input, layout, env, prompt, sessionId, resumeAt })) {
        sessionId = frame.newSessionId ?? sessionId;
        resumeAt = frame.resumeAt ?? resumeAt;
        await emit(frame);
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
  for await (const followUp of inbox.followUps()) {
    if (!(await answer(followUp))) return 1;
  }
  return 0;
}
