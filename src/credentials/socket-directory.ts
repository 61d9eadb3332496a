import { chmod, chown, lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The user that sandboxes run as, where it is not the host's own. */
export interface SandboxUser {
  readonly uid: number;
  readonly gid: number;
}

/** Node cuts a longer path off without a word and listens elsewhere; the least limit of all systems is 104. */
const MAX_SOCKET_PATH_BYTES = 100;

export const SOCKET_NAME = 'proxy.sock';
const SANDBOX_DIRECTORY = 'keys';
/** Of a door's name: a count of runs. */
const LONGEST_NAME = '999999999';

/** No socket can be made at this path. */
export class SocketPathError extends Error {
  override readonly name = 'SocketPathError';

  constructor(path: string) {
    super(
      `The socket's path ${path} is longer than ${MAX_SOCKET_PATH_BYTES} bytes. Set XDG_RUNTIME_DIR to a short directory of your own, or unset it for /tmp.`,
    );
  }
}

/** Something of somebody else stands where the sockets' directory must be. */
export class SocketDirectoryError extends Error {
  override readonly name = 'SocketDirectoryError';

  constructor(path: string, what: string) {
    super(`${path} must be a directory of this user alone and is ${what}. Remove it: rm -r ${path}`);
  }
}

export interface SocketDirectoryOptions {
  readonly installId: string;
  /** Undefined: sandboxes run as the host's own user. */
  readonly owner: SandboxUser | undefined;
  /** The host's user. */
  readonly hostUid: number;
  /** XDG_RUNTIME_DIR, where it is set. */
  readonly runtimeDirectory: string | undefined;
  /** The system's directory for everybody's temporary files; absent: /tmp. */
  readonly temporaryDirectory?: string | undefined;
}

/** Where the install's private directory for sockets may lie: in the user's runtime directory, if there is one, or beside other users'. */
export function socketDirectories(
  options: Pick<SocketDirectoryOptions, 'installId' | 'hostUid' | 'runtimeDirectory' | 'temporaryDirectory'>,
): { readonly own: string | undefined; readonly shared: string } {
  const { installId, hostUid, runtimeDirectory, temporaryDirectory = '/tmp' } = options;
  const isSet = runtimeDirectory !== undefined && runtimeDirectory !== '';
  return {
    own: isSet ? join(runtimeDirectory, `nanoclaw-${installId}`) : undefined,
    shared: join(temporaryDirectory, `nanoclaw-${installId}-${hostUid}`),
  };
}

/**
 * Makes the install's short private directory for sockets, and in it the one for the doors of runs: other sockets of the
 * host lie out of their reach. The sandboxes' user may pass through both, and neither list nor add anything.
 * @returns the path of the doors' directory
 * @throws SocketPathError, SocketDirectoryError
 */
export async function makeSocketDirectory(options: SocketDirectoryOptions): Promise<string> {
  const { owner, hostUid } = options;
  const { own, shared } = socketDirectories(options);
  // A user's runtime directory lets nobody else through, and so no sandbox of another user.
  const outer = owner === undefined && own !== undefined ? own : shared;
  const inner = join(outer, SANDBOX_DIRECTORY);
  const socket = join(inner, LONGEST_NAME, SOCKET_NAME);
  if (Buffer.byteLength(socket) > MAX_SOCKET_PATH_BYTES) throw new SocketPathError(socket);
  await makePrivate(outer, hostUid, owner, 0o710);
  await makePrivate(inner, hostUid, owner, 0o710);
  return inner;
}

/**
 * Makes the directory of one run's door: its sandbox's user may use what is in there and add nothing.
 * @param directory as makeSocketDirectory gives it
 * @returns its path
 * @throws the system's errors
 */
export async function makeDoorDirectory(
  directory: string,
  name: string,
  owner: SandboxUser | undefined,
): Promise<string> {
  const path = join(directory, name);
  await mkdir(path, { mode: 0o700 });
  if (owner === undefined) return path;
  await chown(path, -1, owner.gid);
  await chmod(path, 0o750);
  return path;
}

/** Removes the doors that a dead process left behind. To be called by the one process that holds the root's lock. */
export async function removeDoors(directory: string): Promise<void> {
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true });
}

/** @param shared permissions where the sandboxes' user is another */
async function makePrivate(
  path: string,
  hostUid: number,
  owner: SandboxUser | undefined,
  shared: number,
): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const found = await lstat(path);
  if (!found.isDirectory())
    throw new SocketDirectoryError(path, found.isSymbolicLink() ? 'a link' : 'a file');
  if (found.uid !== hostUid) throw new SocketDirectoryError(path, `owned by uid ${found.uid}`);
  // Ours, and in a directory where nobody else can rename it: from here on the path stays what it is.
  if (owner !== undefined) await chown(path, -1, owner.gid);
  await chmod(path, owner === undefined ? 0o700 : shared);
}

/** Lets the sandboxes' user connect to a socket, and nobody else. */
export async function shareSocket(path: string, owner: SandboxUser | undefined): Promise<void> {
  if (owner !== undefined) await chown(path, -1, owner.gid);
  await chmod(path, owner === undefined ? 0o600 : 0o660);
}

/** Removes what makeSocketDirectory made, as far as nothing else lies in it. */
export async function removeSocketDirectory(directory: string): Promise<void> {
  if (basename(directory) !== SANDBOX_DIRECTORY) return;
  try {
    await rmdir(directory);
    await rmdir(dirname(directory));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Other sockets of the host, or somebody tidied up before.
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error;
  }
}
