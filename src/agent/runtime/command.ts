import { SECOND } from '../../clock.ts';
import { BoundedText } from '../bounded-text.ts';
import type { Spawn } from './runtime.ts';

const MAX_OUTPUT = 256 * 1024;

export interface CommandResult {
  /** Undefined: ended by a signal, its time-out included. */
  readonly code: number | undefined;
  readonly stdout: string;
  /** How it ended, where a signal ended it and it had said nothing. */
  readonly stderr: string;
}

export interface CommandOptions {
  readonly spawn: Spawn;
  readonly timeoutMs: number;
  readonly env: NodeJS.ProcessEnv;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/**
 * Runs a program to its end.
 * @throws the system's error when it cannot be started (ENOENT: not installed)
 */
export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const { spawn, timeoutMs, env, uid, gid } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/',
      env,
      // 0 would be no limit at all.
      timeout: Math.max(1, Math.ceil(timeoutMs)),
      killSignal: 'SIGKILL',
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    });
    child.once('error', reject);
    // No more files can be opened: Node has made no pipes, and tells of it next.
    if (child.stdout == null) return;
    const stdout = new BoundedText(MAX_OUTPUT);
    const stderr = new BoundedText(MAX_OUTPUT);
    child.stdout.on('data', (bytes: Buffer) => stdout.append(bytes));
    child.stderr.on('data', (bytes: Buffer) => stderr.append(bytes));
    child.once('exit', (_, signal) => {
      // What it has started may hold the pipes open for long after it was killed.
      if (signal === null) return;
      child.stdout?.destroy();
      child.stderr?.destroy();
    });
    child.once('close', (code, signal) => {
      const said = stderr.toString();
      const silent = signal !== null && said.trim() === '';
      const how = child.killed ? `it took longer than ${timeoutMs / SECOND} s` : `it was ended by ${signal}`;
      resolve({ code: code ?? undefined, stdout: stdout.toString(), stderr: silent ? how : said });
    });
  });
}
