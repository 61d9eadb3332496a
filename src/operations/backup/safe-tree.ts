import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, opendir } from 'node:fs/promises';
import process from 'node:process';
import { codeOf } from '../../machine-trouble.ts';

/** What was found below a directory; `name` is relative to it, with slashes. */
export type Found =
  | { readonly kind: 'directory'; readonly name: string; readonly stats: Stats }
  /** Open until the next one is asked for. */
  | { readonly kind: 'file'; readonly name: string; readonly stats: Stats; readonly file: FileHandle }
  | { readonly kind: 'left'; readonly name: string; readonly reason: string };

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_DIRECTORY } = constants;

/** macOS refuses to follow a link in any part of a path by this flag, which Node has no name for. */
const O_NOFOLLOW_ANY = 0x2000_0000;

/** Each level holds a descriptor. */
const DEEPEST = 128;

/** Entries read at once. */
const PIECE = 64;

/**
 * All that lies below a directory whose content sandboxes may change meanwhile. No link is followed, not even where a directory is replaced
 * by one while it is read: on Linux each is opened by the open descriptor of its parent, on macOS by a path in which the system
 * follows none. Nothing but directories and plain files is opened for long, and nothing that could block.
 * @param directory its own path must be out of every sandbox's reach
 * @param leaves says of a name whether it is not to be looked at
 * @throws the system's errors about the directory itself
 */
export async function* treeOf(
  directory: string,
  leaves: (name: string) => boolean = () => false,
): AsyncGenerator<Found> {
  const handle = await openAt(directory, O_DIRECTORY);
  try {
    yield* below(handle, directory, '', leaves, 0);
  } finally {
    await handle.close();
  }
}

async function* below(
  parent: FileHandle,
  path: string,
  prefix: string,
  leaves: (name: string) => boolean,
  depth: number,
): AsyncGenerator<Found> {
  const at = process.platform === 'linux' ? `/proc/self/fd/${parent.fd}` : path;
  // In latin1 every byte is a character: not every name that a sandbox can make is UTF-8.
  for await (const entry of await opendir(at, { encoding: 'latin1', bufferSize: PIECE })) {
    const bytes = Buffer.from(entry.name, 'latin1');
    const leaf = bytes.toString('utf8');
    const name = prefix + leaf;
    if (!Buffer.from(leaf).equals(bytes)) {
      yield { kind: 'left', name, reason: 'its name is not UTF-8' };
      continue;
    }
    if (leaves(name)) continue;
    // Opening a device could act by itself, whatever the flags.
    if (!entry.isFile() && !entry.isDirectory()) {
      yield { kind: 'left', name, reason: entry.isSymbolicLink() ? 'a link' : 'no plain file' };
      continue;
    }
    const found = await openEntry(`${at}/${leaf}`, name, entry.isDirectory());
    if (!('handle' in found)) {
      yield found;
      continue;
    }
    const { handle, stats } = found;
    try {
      if (stats.isFile()) yield { kind: 'file', name, stats, file: handle };
      else if (depth >= DEEPEST) yield { kind: 'left', name, reason: `deeper than ${DEEPEST} directories` };
      else {
        yield { kind: 'directory', name, stats };
        yield* below(handle, `${path}/${leaf}`, `${name}/`, leaves, depth + 1);
      }
    } finally {
      await handle.close();
    }
  }
}

async function openEntry(
  path: string,
  name: string,
  isDirectory: boolean,
): Promise<{ readonly handle: FileHandle; readonly stats: Stats } | Extract<Found, { kind: 'left' }>> {
  const left = (reason: string) => ({ kind: 'left', name, reason }) as const;
  let handle: FileHandle;
  try {
    handle = await openAt(path, isDirectory ? O_DIRECTORY : 0);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EMFILE' || code === 'ENFILE') throw error;
    return left(code === 'ENOENT' ? 'it went while it was read' : `it cannot be read (${code})`);
  }
  const stats = await handle.stat();
  if (stats.isFile() || stats.isDirectory()) return { handle, stats };
  await handle.close();
  return left('no plain file');
}

function openAt(path: string, more: number): Promise<FileHandle> {
  const flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | more;
  return open(path, flags | (process.platform === 'darwin' ? O_NOFOLLOW_ANY : O_NOFOLLOW));
}
