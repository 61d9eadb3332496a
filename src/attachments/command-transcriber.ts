import type { ChildProcess, spawn } from 'node:child_process';
import { timeLimit } from '../time-limit.ts';
import { cleanTranscript, LONGEST_TRANSCRIPT, type Transcriber } from './transcriber.ts';

export interface CommandTranscriberOptions {
  /** The program and its arguments; the file's path is put behind them. */
  readonly command: readonly [program: string, ...args: string[]];
  /** In milliseconds. */
  readonly timeoutMs: number;
  /** Its whole environment: without the keys that the host knows. */
  readonly env: NodeJS.ProcessEnv;
  readonly spawn: typeof spawn;
}

/** How much of what the program complains of is told. In characters. */
const COMPLAINT = 300;
/** Of UTF-8, at most four bytes a character. */
const MAX_OUTPUT = 4 * LONGEST_TRANSCRIPT;

/** A program on this machine, started without a shell. */
export class CommandTranscriber implements Transcriber {
  readonly #options: CommandTranscriberOptions;

  constructor(options: CommandTranscriberOptions) {
    this.#options = options;
  }

  async transcribe(file: string, signal: AbortSignal): Promise<string> {
    return cleanTranscript(await this.#run(file, signal));
  }

  #run(file: string, signal: AbortSignal): Promise<string> {
    const { command, timeoutMs, env, spawn } = this.#options;
    const [program, ...args] = command;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new Error('the host stops'));
      const child = spawn(program, [...args, file], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env,
        // A group of its own: what it has started dies with it.
        detached: true,
      });
      child.once('error', reject);
      // No more files can be opened: Node has made no pipes, and tells of it next.
      if (child.stdout == null) return;
      const out = firstOf(child.stdout, MAX_OUTPUT);
      const complaint = firstOf(child.stderr, COMPLAINT);
      const limit = timeLimit(signal, timeoutMs);
      const giveUp = () => {
        killGroup(child);
        // What has left the group may hold the pipes for ever.
        child.stdout.destroy();
        child.stderr.destroy();
        reject(new Error(`${program} was ended, after ${timeoutMs} ms at most`));
      };
      limit.signal.addEventListener('abort', giveUp, { once: true });
      child.once('close', (code, killedBy) => {
        limit.clear();
        if (code === 0) resolve(out());
        else
          reject(
            new Error(
              `${program} exited with ${code === null ? killedBy : `code ${code}`}: ${complaint().trim()}`,
            ),
          );
      });
    });
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Reads a stream to its end and keeps the first bytes of it. */
function firstOf(stream: NodeJS.ReadableStream, most: number): () => string {
  const kept: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, most - length);
    length += part.length;
    if (part.length > 0) kept.push(part);
  });
  return () => Buffer.concat(kept).toString();
}
