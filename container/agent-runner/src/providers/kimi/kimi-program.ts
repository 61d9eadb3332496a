import { isDeepStrictEqual } from 'node:util';
import { AgentProcess } from '../programs/agent-process.ts';
import { findProgram } from '../programs/find-program.ts';
import type { AgentTurn, Surroundings } from '../provider.ts';
import { kimiEnvironment } from './environment.ts';
import { kimiHome, logSize } from './home.ts';

interface Start {
  readonly home: string;
  readonly logBegin: number;
  readonly env: Readonly<Record<string, string>>;
}

/** `kimi acp` under way. It asks its model nothing before it is asked itself. */
export class KimiProgram {
  readonly process: AgentProcess;
  /** The folder that it keeps its sessions in. */
  readonly home: string;
  /** The size of its log before it began, in bytes. */
  readonly logBegin: number;
  readonly #env: Readonly<Record<string, string>>;
  readonly #stop: AbortSignal;
  readonly #onStop = () => void this.process.end('SIGTERM');

  /** @param model the turn's; undefined: AGENT_MODEL's. @throws TurnFailure when there is no key, or no program */
  static async start(surroundings: Surroundings, model: string | undefined): Promise<KimiProgram> {
    const { layout, env, stop } = surroundings;
    const home = await kimiHome(layout);
    const own = kimiEnvironment(surroundings, home, model);
    const [file, logBegin] = await Promise.all([findProgram('kimi', env.PATH), logSize(home)]);
    const process = new AgentProcess({ file, args: ['acp'], cwd: layout.group, env: own });
    return new KimiProgram(process, { home, logBegin, env: own }, stop);
  }

  private constructor(process: AgentProcess, { home, logBegin, env }: Start, stop: AbortSignal) {
    this.process = process;
    this.home = home;
    this.logBegin = logBegin;
    this.#env = env;
    this.#stop = stop;
    stop.addEventListener('abort', this.#onStop, { once: true });
    if (stop.aborted) this.#onStop();
  }

  /** Whether it is as one that was started for this turn would be. @throws TurnFailure when the turn brings no key */
  fits(turn: AgentTurn): boolean {
    const env = kimiEnvironment(turn, this.home, turn.input.model);
    return !this.process.over && isDeepStrictEqual(env, this.#env);
  }

  /** Resolves when it is gone; may be called again. */
  async end(): Promise<void> {
    this.#stop.removeEventListener('abort', this.#onStop);
    await this.process.end('SIGTERM');
  }
}
