import type { AgentRunner, RunningTurn, TurnOutcome, TurnRequest } from '../../src/agent/agent.ts';
import type { OutputFrame } from '../../src/protocol/turn.ts';

/** What a scripted turn does: hands over frames, then says how its sandbox ended. */
export type Script = (
  request: TurnRequest,
  say: (frame: OutputFrame) => Promise<void>,
) => Promise<Partial<TurnOutcome>>;

const WELL: TurnOutcome = {
  reason: 'exited',
  exitCode: 0,
  frames: 0,
  error: undefined,
  retryable: true,
  logFile: 'container-1.log',
  durationMs: 1,
};

/** Stands at the port behind which sandboxes are, for tests of the core alone. */
export class ScriptedAgent implements AgentRunner {
  readonly description = 'scripted';
  readonly requests: TurnRequest[] = [];
  readonly atWork = new Set<string>();
  mostAtWork = 0;
  /** What the sandboxes were given beside their prompts, by file; those that were taken are gone. */
  readonly input = new Map<string, string>();
  /** How often the agent was asked to finish. */
  finished = 0;
  acceptsFollowUps = false;
  /** Milliseconds since its sandboxes wrote anything. */
  quietMs = 0;
  #script: Script;

  constructor(script: Script) {
    this.#script = script;
  }

  follow(script: Script): void {
    this.#script = script;
  }

  async run(request: TurnRequest, onFrame: (frame: OutputFrame) => Promise<void>): Promise<RunningTurn> {
    this.requests.push(request);
    if (this.atWork.has(request.groupFolder))
      throw new Error(`two sandboxes at once in ${request.groupFolder}`);
    this.atWork.add(request.groupFolder);
    this.mostAtWork = Math.max(this.mostAtWork, this.atWork.size);
    let frames = 0;
    const stopped = withResolvers<Partial<TurnOutcome>>();
    const script = this.#script(request, async (frame) => {
      frames++;
      await onFrame(frame);
    });
    const done = Promise.race([script, stopped.promise]).then((outcome) => {
      this.atWork.delete(request.groupFolder);
      return { ...WELL, frames, ...outcome };
    });
    return {
      name: `scripted-${request.runId}`,
      done,
      followUp: async (file, text, beforeSeen) => {
        if (!this.acceptsFollowUps) return false;
        beforeSeen?.();
        this.input.set(file, text);
        return true;
      },
      finish: async () => {
        if (this.input.size > 0) return false;
        this.finished++;
        return true;
      },
      quietMs: async () => this.quietMs,
      stop: async () => stopped.resolve({ reason: 'stopped', exitCode: undefined, error: 'stopped' }),
    };
  }

  async hasTaken(_folder: string, file: string): Promise<boolean> {
    return !this.input.has(file);
  }

  async removeOrphans(): Promise<number> {
    return 0;
  }
}

/** Answers once. */
export function answers(text: string): Script {
  return async (_, say) => {
    await say({ status: 'success', result: text, newSessionId: 'session-1' });
    return {};
  };
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
