import type { Log } from './log.ts';

/** Something that ends, and its name in the log. */
export type StopStep = readonly [name: string, stop: () => void | Promise<void>];

/** Not everything could be stopped; what failed has been logged. */
export class NotStoppedError extends Error {
  override readonly name = 'NotStoppedError';

  constructor(failed: readonly string[]) {
    super(`Not stopped in order: ${failed.join(', ')}`);
  }
}

/**
 * Stops one after the other. A step that fails is logged and holds up none of those after it.
 * @throws NotStoppedError when all were tried
 */
export async function stopInOrder(steps: readonly StopStep[], log: Log): Promise<void> {
  const failed: string[] = [];
  for (const [name, stop] of steps) {
    try {
      await stop();
    } catch (error) {
      log.error({ err: error, step: name }, 'A step of the shutdown has failed; the others go on');
      failed.push(name);
    }
  }
  if (failed.length > 0) throw new NotStoppedError(failed);
}
