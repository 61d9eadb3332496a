import { execFile } from 'node:child_process';
import process from 'node:process';

/** How a child process ended: by the kill right before a step, or by itself, after these steps. */
export type StepEnd =
  | { readonly kind: 'killed'; readonly before: string }
  | { readonly kind: 'done'; readonly steps: readonly string[] };

/** Which of a program's steps it is killed before; called as by `Array.filter`. */
export type StepChoice = (step: string, index: number, steps: readonly string[]) => boolean;

/**
 * Runs a program that kills itself at a step (step-killer.ts), or prints its steps as JSON.
 * @param order what it gets as its argument, as JSON
 * @throws Error when it failed
 */
export function runStep(program: string, order: object): Promise<StepEnd> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, JSON.stringify(order)], (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'done', steps: JSON.parse(stdout) as readonly string[] });
      else if (error.signal === 'SIGKILL') resolve({ kind: 'killed', before: stdout });
      else reject(new Error(`${program} failed: ${stderr}`, { cause: error }));
    });
  });
}

/** @throws Error when the process did not end by itself */
export function stepsOf(end: StepEnd): readonly string[] {
  if (end.kind === 'killed') throw new Error(`It was killed before ${end.before}`);
  return end.steps;
}

/**
 * Acts for each of the chosen steps, a few at once.
 * @param act gets the step's number, 1 the first
 * @returns what `act` returned, in the order of the steps
 */
export async function forEachStep<T>(
  steps: readonly string[],
  isChosen: StepChoice,
  act: (step: number) => Promise<T>,
  atOnce = 3,
): Promise<readonly T[]> {
  const chosen = [...steps.keys()].filter((index) => isChosen(steps[index] ?? '', index, steps));
  const results: T[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < chosen.length) {
      const place = next;
      next += 1;
      results[place] = await act((chosen[place] ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

/** All steps, in parts of which each fits into a test's time. @returns the name of each part, and its choice */
export function inParts(parts: number): readonly (readonly [name: string, isChosen: StepChoice])[] {
  return Array.from(
    { length: parts },
    (_, part) => [`part ${part + 1} of ${parts}`, (__, index) => index % parts === part] as const,
  );
}
