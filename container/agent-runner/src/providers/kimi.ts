import type { OutputFrame } from '../../../../src/protocol/turn.ts';
import { answerByKimi } from './kimi/turn.ts';
import type { AgentProvider, AgentTurn } from './provider.ts';

/** Kimi, by `kimi acp`: one process a turn; a follow-up is a turn of its own. */
export class KimiProvider implements AgentProvider {
  readonly name = 'kimi';

  answer(turn: AgentTurn): AsyncIterable<OutputFrame> {
    return answerByKimi(turn);
  }
}
