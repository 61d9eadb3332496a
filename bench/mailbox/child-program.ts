import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Question } from './stall-meter.ts';

const STOP_TIMEOUT_MS = 5_000;

/** A child that meters its own event loop. */
export class ChildProgram {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #ready: Promise<Answer>;

  /** @param program a TypeScript file that calls `meterStalls` */
  constructor(program: URL, args: readonly string[] = []) {
    this.#child = fork(fileURLToPath(program), [...args], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#exited = once(this.#child, 'exit');
    this.#exited.catch(() => undefined);
    this.#ready = this.#nextAnswer();
    this.#ready.catch(() => undefined);
  }

  /** Rejects when the child ends instead. */
  async ready(): Promise<void> {
    await this.#ready;
  }

  /** Measures anew from now on. */
  async forget(): Promise<void> {
    await this.#ask('forget');
  }

  /** In milliseconds, since `forget`. */
  async longestStall(): Promise<number> {
    const answer = await this.#ask('longest stall');
    if (answer.kind !== 'longest stall') throw new Error(`the child answered ${answer.kind}`);
    return answer.ms;
  }

  /** What it holds, and the most that it ever held, in MiB. */
  async memory(): Promise<{ readonly nowMib: number; readonly peakMib: number }> {
    const answer = await this.#ask('memory');
    if (answer.kind !== 'memory') throw new Error(`the child answered ${answer.kind}`);
    return answer;
  }

  /** The child ends in order, or is killed when it does not. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    if (this.#child.connected) this.#child.disconnect();
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(killer);
  }

  #ask(question: Question): Promise<Answer> {
    const answer = this.#nextAnswer();
    this.#child.send(question);
    return answer;
  }

  async #nextAnswer(): Promise<Answer> {
    const ended = this.#exited.then(() => {
      throw new Error(`a child ended by itself with code ${this.#child.exitCode ?? this.#child.signalCode}`);
    });
    const [answer] = (await Promise.race([once(this.#child, 'message'), ended])) as [Answer];
    return answer;
  }
}
