import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';

/** How a child process ended. */
export interface ChildExit {
  /** 128 and the signal's number where a signal ended it; undefined when it never started. */
  readonly exitCode: number | undefined;
  /** Why it could not be started. */
  readonly spawnError: string | undefined;
}

/** Resolves when a child has ended. To be asked for in the same tick as the spawn: later its end may have been missed. */
export function childExit(child: ChildProcess): Promise<ChildExit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ exitCode: undefined, spawnError: error.message }));
    child.once('exit', (code, signal) => {
      const exitCode = code ?? (signal === null ? undefined : 128 + constants.signals[signal]);
      resolve({ exitCode, spawnError: undefined });
    });
  });
}
