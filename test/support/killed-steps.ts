import { execFile } from 'node:child_process';
import process from 'node:process';

/** How a child process ended: by the kill at its step, or by itself, with what it said. */
export type StepEnd = { readonly kind: 'killed' } | { readonly kind: 'done'; readonly said: string };

/**
 * Runs a program that kills itself at a step (step-killer.ts).
 * @param args its arguments
 * @throws Error when it failed
 */
export function runStep(program: string, args: readonly string[]): Promise<StepEnd> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'done', said: stdout.trim() });
      else if (error.signal === 'SIGKILL') resolve({ kind: 'killed' });
      else reject(new Error(`${program} failed: ${stderr}`, { cause: error }));
    });
  });
}

/** Does something for each of the numbers from 1 on, a few at once. */
export async function forEachStep(
  steps: number,
  act: (step: number) => Promise<void>,
  atOnce = 3,
): Promise<void> {
  let next = 1;
  const work = async (): Promise<void> => {
    while (next <= steps) {
      const step = next;
      next += 1;
      await act(step);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
