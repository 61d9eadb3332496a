import type { OutputFrame } from '../../../../../src/protocol/turn.ts';
import { readMemory } from '../memory.ts';
import type { AgentTurn } from '../provider.ts';
import { converse } from './conversation.ts';
import { requestFailure } from './failure.ts';
import type { KimiProgram } from './kimi-program.ts';

/** Answers a prompt by one process of `kimi acp`, which is gone then. @throws TurnFailure */
export async function* answerByKimi(turn: AgentTurn, program: KimiProgram): AsyncGenerator<OutputFrame> {
  try {
    yield* converse(turn, program, await readMemory(turn.layout));
  } catch (error) {
    if (turn.stop.aborted) return;
    throw requestFailure(error);
  } finally {
    await program.end();
  }
}
