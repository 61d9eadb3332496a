import type { OutputFrame } from '../../../../src/protocol/turn.ts';
import { KimiProgram } from './kimi/kimi-program.ts';
import type { AgentProvider, AgentTurn, Surroundings } from './provider.ts';

/** Kimi, by `kimi acp`: one process a turn; a follow-up is a turn of its own. */
export class KimiProvider implements AgentProvider {
  readonly name = 'kimi';
  #ahead: KimiProgram | undefined;

  async *answer(turn: AgentTurn): AsyncGenerator<OutputFrame> {
    // The program starts meanwhile.
    const [program, { answerByKimi }] = await Promise.all([this.#programFor(turn), import('./kimi/turn.ts')]);
    yield* answerByKimi(turn, program);
  }

  /** Its program takes a second to start. */
  async startAhead(surroundings: Surroundings): Promise<void> {
    // What is missing the answer finds missing too, and says so.
    this.#ahead = await KimiProgram.start(surroundings, undefined).catch(() => undefined);
  }

  async dropAhead(): Promise<void> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    await ahead?.end();
  }

  async #programFor(turn: AgentTurn): Promise<KimiProgram> {
    const ahead = this.#ahead;
    if (ahead?.fits(turn) === true) {
      this.#ahead = undefined;
      return ahead;
    }
    if (ahead !== undefined) process.stderr.write('kimi: what was started ahead is not for this turn\n');
    await this.dropAhead();
    return KimiProgram.start(turn, turn.input.model);
  }
}
