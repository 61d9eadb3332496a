import type { SandboxChild } from './runtime.ts';

/**
 * Keeps what a child says until somebody reads it: when a child exits Node throws away what nobody has asked for yet, its last
 * words among it. For a start that has more to do after the spawn.
 * @returns lets go, to be called in the tick in which the child is handed to its reader
 */
export function holdOutput({ stdout, stderr }: SandboxChild): () => void {
  const keep = (): void => undefined;
  for (const stream of [stdout, stderr]) stream.on('readable', keep);
  return () => {
    for (const stream of [stdout, stderr]) stream.off('readable', keep);
  };
}
