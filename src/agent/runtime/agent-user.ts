import type { Owner } from '../directories.ts';

/** `node`, who owns the workspace inside every sandbox. */
export const AGENT_USER: Owner = { uid: 1000, gid: 1000 };

/**
 * The host's user that the agent's processes are: uid 1000 where the host is root, or they would be root too.
 * @returns undefined when the host is no root, and they are the host's own user
 */
export function ownerFor(hostUid: number): Owner | undefined {
  return hostUid === 0 ? AGENT_USER : undefined;
}
