import { randomUUID } from 'node:crypto';
import { ClaudeProgram } from './claude/claude-program.ts';
import { AnchorLost } from './claude/failure.ts';
import { claudeOptions } from './claude/options.ts';
import { Run } from './claude/run.ts';
import { loadQuery, type QueryFunction } from './claude/sdk.ts';
import { readMemory } from './memory.ts';
import { notInstalled } from './programs/not-installed.ts';
import type { AgentFrame, AgentProvider, AgentTurn } from './provider.ts';

/** What Claude needs of the world; injected so that tests can set it. */
export interface ClaudeWorld {
  readonly loadQuery: () => Promise<QueryFunction>;
  readonly newId: () => string;
}

const REAL_WORLD: ClaudeWorld = { loadQuery, newId: randomUUID };

/** Claude, by the Agent SDK: one program a turn, follow-ups said into it while it works. */
export class ClaudeProvider implements AgentProvider {
  readonly name = 'claude';
  readonly #world: ClaudeWorld;
  readonly #query: Promise<QueryFunction>;

  constructor(world: ClaudeWorld = REAL_WORLD) {
    this.#world = world;
    // Loading takes longer than anything else before the program's start: it begins while the turn is still prepared.
    this.#query = world.loadQuery();
    this.#query.catch(() => undefined);
  }

  async *answer(turn: AgentTurn): AsyncGenerator<AgentFrame> {
    const [query, memory] = await Promise.all([this.#loaded(), readMemory(turn.layout)]);
    const start = (anchored: AgentTurn) => {
      const program = new ClaudeProgram();
      const { newId } = this.#world;
      return new Run(anchored, {
        query,
        newId,
        program,
        options: claudeOptions(anchored, memory, program.start),
      });
    };
    try {
      yield* start(turn).frames();
    } catch (error) {
      if (!(error instanceof AnchorLost)) throw error;
      process.stderr.write('the session is resumed at its end: its anchor is gone\n');
      yield* start({ ...turn, resumeAt: undefined }).frames();
    }
  }

  async #loaded(): Promise<QueryFunction> {
    try {
      return await this.#query;
    } catch (error) {
      throw notInstalled(`Claude’s Agent SDK cannot be loaded (${(error as Error).message})`);
    }
  }
}
