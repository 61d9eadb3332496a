import { performance } from 'node:perf_hooks';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Instants of a turn's start, for `npm run bench`: told on stderr, as milliseconds since the epoch, where NANOCLAW_STAGES is set.
 * The first one is the start of the process.
 */
export class Stages {
  readonly #marks: [stage: string, at: number][] = [['process', performance.timeOrigin]];

  mark(stage: string): void {
    this.#marks.push([stage, performance.timeOrigin + performance.now()]);
  }

  tell(env: Environment): void {
    if (env.NANOCLAW_STAGES !== '1') return;
    for (const [stage, at] of this.#marks) process.stderr.write(`stage ${stage} ${at.toFixed(1)}\n`);
  }
}
