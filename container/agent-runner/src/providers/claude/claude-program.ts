import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { signalGroup } from '../../signal-group.ts';
import { endOfOutput } from '../programs/end-of-output.ts';
import type { SdkProcess, SdkSpawnOptions } from './sdk.ts';

/** After SIGTERM the program has this long; the runner itself has two seconds. */
const KILL_AFTER_MS = 1_000;
/** Once everything is answered the program ends by itself, or is ended after this time. */
const LINGER_MS = 3_000;
/** The end of stderr that is kept for an error's text. */
const KEPT_STDERR = 4_000;

/**
 * The program behind the SDK. It leads a process group of its own, so that what it started ends with it: closing the SDK's
 * query alone takes two seconds and more.
 */
export class ClaudeProgram {
  #child: ChildProcessByStdio<Writable, Readable, Readable> | undefined;
  #gone: Promise<void> = Promise.resolve();
  #stderr = '';
  #ending: NodeJS.Timeout | undefined;

  /** Starts it as the SDK asks. */
  readonly start = ({ command, args, cwd, env }: SdkSpawnOptions): SdkProcess => {
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(text);
      this.#stderr = endOfOutput(this.#stderr + text, KEPT_STDERR);
    });
    this.#gone = new Promise((resolve) => {
      child.once('error', () => resolve());
      child.once('exit', () => {
        clearTimeout(this.#ending);
        signalGroup(child.pid, 'SIGKILL');
        resolve();
      });
    });
    return child;
  };

  /** The end of what it wrote to stderr; all of it went to the runner's own as it came. */
  get stderrTail(): string {
    return this.#stderr;
  }

  /** It has nothing left to do: it may end by itself, but not linger. */
  letEnd(): void {
    this.#ending ??= setTimeout(() => signalGroup(this.#child?.pid, 'SIGKILL'), LINGER_MS);
  }

  /** Asks it to end, and kills its whole group when it does not. Resolves when it is gone; may be called again. */
  async end(): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    const kill = setTimeout(() => signalGroup(this.#child?.pid, 'SIGKILL'), KILL_AFTER_MS);
    await this.#gone;
    clearTimeout(kill);
  }
}
