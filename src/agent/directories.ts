import { chmod, chown, lchown, lstat, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import type { Paths } from '../paths.ts';
import { SESSION_DIRECTORIES, WRITABLE_IPC_DIRECTORIES } from '../protocol/layout.ts';
import { entriesOf } from './remove-tree.ts';

/** The user on the host that the agent's processes run as. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Something that is no directory stands where a sandbox's directory must be. */
export class NotADirectoryError extends Error {
  override readonly name = 'NotADirectoryError';

  constructor(path: string, kind: string) {
    super(`${path} must be a directory and is ${kind}. Move it away: mv ${path} ${path}.old`);
  }
}

/** Makes a directory, or makes sure that it is a real one. @throws NotADirectoryError */
export async function ensureDirectory(path: string): Promise<void> {
  const problem = await mkdir(path, { recursive: true }).then(
    () => undefined,
    (error: Error) => error,
  );
  const found = await lstat(path).catch((error: Error) => {
    throw problem ?? error;
  });
  if (!found.isDirectory()) throw new NotADirectoryError(path, found.isSymbolicLink() ? 'a link' : 'a file');
}

/** What the agent's group may do in a folder of the host's: pass through it, or list it too. */
const ADMISSION = { through: 0o010, in: 0o050 } as const;

/**
 * Lets the agent's user through a folder of the host's, or into it, whatever the umask made of it. One that lets that
 * user in already stays as it is.
 * @param path a folder that no sandbox can rename or replace
 */
export async function admit(path: string, owner: Owner, where: keyof typeof ADMISSION): Promise<void> {
  const { uid, gid, mode } = await stat(path);
  const group = ADMISSION[where];
  const needed = uid === owner.uid ? group << 3 : gid === owner.gid ? group : group >> 3;
  if ((mode & needed) === needed) return;
  if (uid === owner.uid || gid === owner.gid) return chmod(path, mode | needed);
  await chown(path, -1, owner.gid);
  await chmod(path, (mode & 0o7707) | group);
}

const OWNERS_BITS = 0o700;

/** Gives a directory's own user all rights there again: an agent may have taken them from itself, and its next run would fail. */
async function reopen(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & OWNERS_BITS) !== OWNERS_BITS) await chmod(path, (mode & 0o777) | OWNERS_BITS);
}

type Path = string | Buffer;

/** A tree is handed over up to this many entries, those near its root first. */
const MAX_ENTRIES = 20_000;

async function give(path: Path, owner: Owner): Promise<boolean> {
  const found = await lstat(path);
  // A second name of a file may belong to somebody else's directory.
  const shared = found.isFile() && found.nlink > 1;
  if (found.uid !== owner.uid && !shared) await lchown(path, owner.uid, owner.gid);
  return found.isDirectory();
}

async function giveTree(root: string, owner: Owner, log: Log, except?: string): Promise<void> {
  const pending: Path[] = [root];
  for (let index = 0; index < Math.min(pending.length, MAX_ENTRIES); index += 1) {
    const path = pending[index] ?? root;
    if (path.toString() === except) continue;
    try {
      if (!(await give(path, owner))) continue;
      for await (const { path: inside } of entriesOf(path)) if (pending.push(inside) >= MAX_ENTRIES) break;
    } catch (error) {
      // What the agent itself made too deep to reach is its own already, and no reason to fail its turns.
      log.debug(
        { path: path.toString().slice(0, 200), error: (error as Error).message },
        'Ownership not set',
      );
    }
  }
}

/**
 * Makes the directories that a group's sandbox sees, and hands those that it may write to the agent's user. Only to be
 * called while no sandbox of the group runs: ownership is set by path.
 * @param owner undefined: the agent runs as the host's own user, and nothing needs handing over
 * @throws NotADirectoryError
 */
export async function prepareDirectories(
  paths: Paths,
  group: { readonly groupFolder: string; readonly isMain: boolean },
  owner: Owner | undefined,
  log: Log,
): Promise<void> {
  const folder = group.groupFolder;
  const ipc = paths.groupIpc(folder);
  const logs = paths.groupLogs(folder);
  const mailbox = WRITABLE_IPC_DIRECTORIES.map((name) => join(ipc, name));
  const sessions = SESSION_DIRECTORIES.map((name) => join(paths.groupSessions(folder), name));
  const readOnly = [logs, ipc, join(ipc, 'results'), paths.groupAttachments(folder), paths.runEnv];
  // Before what lies in it: an agent may have closed its own folder.
  for (const path of [paths.group(folder), paths.globalGroup, ...sessions]) {
    await ensureDirectory(path);
    await reopen(path);
  }
  for (const path of [...readOnly, ...mailbox]) await ensureDirectory(path);
  for (const path of mailbox) await reopen(path);
  if (owner === undefined) return;
  const passed = [
    paths.ipc,
    paths.sessions,
    paths.groupSessions(folder),
    paths.attachments,
    paths.envDir,
    paths.runEnv,
  ];
  for (const path of passed) await admit(path, owner, 'through');
  const read = [paths.globalGroup, ipc, join(ipc, 'results'), paths.groupAttachments(folder)];
  for (const path of read) await admit(path, owner, 'in');
  for (const path of mailbox) await give(path, owner);
  await giveTree(paths.group(folder), owner, log, logs);
  for (const path of sessions) await giveTree(path, owner, log);
  await admit(logs, owner, 'in');
  if (group.isMain) await giveTree(paths.globalGroup, owner, log);
}
