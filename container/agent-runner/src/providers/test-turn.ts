import type { Layout } from '../../../../src/protocol/layout.ts';
import type { TurnInput } from '../../../../src/protocol/turn.ts';
import type { AgentTurn } from './provider.ts';

const nothing: AsyncIterable<string> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

/** A turn for a test: a new session, no follow-ups, nobody who stops it. */
export function testTurn(
  turn: { readonly layout: Layout; readonly input: TurnInput } & Partial<AgentTurn>,
): AgentTurn {
  const { signal } = new AbortController();
  return {
    env: {},
    prompt: turn.input.prompt,
    sessionId: undefined,
    resumeAt: undefined,
    followUps: { arriving: () => nothing },
    stop: signal,
    wrapUp: signal,
    ...turn,
  };
}
