import type { ChildProcess } from 'node:child_process';
import type { ChildExit } from './child-exit.ts';
import { RuntimeError } from './runtime.ts';

/** The system had no process or no open file left for a sandbox. */
export class NotStartedError extends RuntimeError {
  override readonly name = 'NotStartedError';
  override readonly retryable = true;

  constructor(reason: string) {
    super(
      `The sandbox's program could not be started (${reason}). If it happens again, allow this user more open files: ulimit -n`,
    );
  }
}

/**
 * Makes sure that a child has its pipes: where no more files can be opened (EMFILE, ENFILE) Node makes none, whatever its
 * types say, and tells of it later.
 * @param exited asked for in the same tick as the spawn
 * @throws NotStartedError
 */
export async function checkPipes(
  child: Pick<ChildProcess, 'stdin'>,
  exited: Promise<ChildExit>,
): Promise<void> {
  if (child.stdin != null) return;
  throw new NotStartedError((await exited).spawnError ?? 'no reason given');
}
