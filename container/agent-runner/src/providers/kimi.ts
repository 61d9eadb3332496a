import type { OutputFrame } from '../../../../src/protocol/turn.ts';
import type { AgentProvider, AgentTurn } from './provider.ts';

/** Kimi, by `kimi acp`: one process a turn; a follow-up is a turn of its own. */
export class KimiProvider implements AgentProvider {
  readonly name = 'kimi';

  async *answer(turn: AgentTurn): AsyncGenerator<OutputFrame> {
    // The protocol's library takes 40 ms to load, which the other agents' turns need not wait for.
    const { answerByKimi } = await import('./kimi/turn.ts');
    yield* answerByKimi(turn);
  }
}
