import { setTimeout as wait } from 'node:timers/promises';

/** Something did not come about in time. */
export class TooLate extends Error {
  override readonly name = 'TooLate';
}

const LOOK_EVERY_MS = 40;

/**
 * Waits until a look says yes.
 * @param what for the error, as a sentence
 * @throws TooLate
 */
export async function until(
  what: string,
  timeoutMs: number,
  look: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await look())) {
    if (performance.now() > deadline) throw new TooLate(`Not within ${timeoutMs} ms: ${what}.`);
    await wait(LOOK_EVERY_MS);
  }
}
