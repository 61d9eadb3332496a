import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { signalGroup } from '../../signal-group.ts';
import { endOfOutput } from './end-of-output.ts';

/** How a program ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessStart {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** After the polite signal a program has this long; the runner itself has two seconds. */
const KILL_AFTER_MS = 1_700;
/** What a program wrote before it ended is read within this time. */
const DRAIN_MS = 500;
/** The end of stderr that is kept for an error's text. */
const KEPT_STDERR = 4_000;

/** An agent's program, in a process group of its own: it ends together with what it started. */
export class AgentProcess {
  readonly stdin: ChildProcessWithoutNullStreams['stdin'];
  readonly stdout: ChildProcessWithoutNullStreams['stdout'];
  /** Resolves when it has ended and all that it wrote was read; rejects when it could not be started. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcessWithoutNullStreams;
  #stderr = '';
  #over = false;

  constructor({ file, args, cwd, env }: ProcessStart) {
    const child = spawn(file, [...args], { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.stdin = child.stdin;
    this.stdout = child.stdout;
    // One that dies before it has read its input says why by its end.
    child.stdin.on('error', (error) => process.stderr.write(`stdin of ${file}: ${error.message}\n`));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(text);
      this.#stderr = endOfOutput(this.#stderr + text, KEPT_STDERR);
    });
    this.ended = new Promise((resolve, reject) => {
      child.once('error', (error) => {
        this.#over = true;
        reject(error);
      });
      child.once('exit', () => {
        this.#over = true;
        signalGroup(child.pid, 'SIGKILL');
        // What left the group may hold the pipes open for ever: the program's own end counts, not theirs.
        const drained = setTimeout(() => {
          child.stdout.destroy();
          child.stderr.destroy();
        }, DRAIN_MS);
        child.once('close', () => clearTimeout(drained));
      });
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    // Whoever awaits it hears of a failed start; nobody need.
    this.ended.catch(() => undefined);
  }

  /** Whether it has ended, or never began. */
  get over(): boolean {
    return this.#over;
  }

  /** The end of what it wrote to stderr; all of it went to the runner's own as it came. */
  get stderrTail(): string {
    return this.#stderr;
  }

  /** Its stdout, line by line. */
  lines(): AsyncIterable<string> {
    return createInterface({ input: this.stdout, crlfDelay: Number.POSITIVE_INFINITY });
  }

  /** Asks it to end, and kills its whole group when it does not. Resolves when it is gone; may be called again. */
  async end(signal: NodeJS.Signals = 'SIGINT', killAfterMs = KILL_AFTER_MS): Promise<void> {
    if (!this.#over) this.#child.kill(signal);
    const kill = setTimeout(() => signalGroup(this.#child.pid, 'SIGKILL'), killAfterMs);
    try {
      await this.ended.catch(() => undefined);
    } finally {
      clearTimeout(kill);
    }
  }
}
