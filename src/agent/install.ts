import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';

const ID_LENGTH = 8;

/**
 * Tells one install on this machine from another: a short hash of where its root really lies.
 * @param root an existing directory
 */
export async function installId(root: string): Promise<string> {
  return createHash('sha256')
    .update(await realpath(root))
    .digest('hex')
    .slice(0, ID_LENGTH);
}

/** `nanoclaw-<install>-<folder>-<id>`; the end of the run's id is its random part. */
export function sandboxName(install: string, groupFolder: string, runId: string): string {
  const id = runId.replace(/[^A-Za-z0-9]/g, '').slice(-12);
  return `${sandboxPrefix(install)}${groupFolder}-${id}`;
}

/** What the names of all sandboxes of an install begin with. */
export function sandboxPrefix(install: string): string {
  return `nanoclaw-${install}-`;
}
