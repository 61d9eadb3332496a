import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../machine-trouble.ts';
import type { Paths } from '../paths.ts';
import type { RawName } from './file-name.ts';
import type { Warnings } from './warnings.ts';

/** The two directories of a mailbox from which files are taken. */
export const MAILBOX_DIRECTORIES = ['messages', 'tasks'] as const;
export type MailboxDirectory = (typeof MAILBOX_DIRECTORIES)[number];

/** The directories of the groups' mailboxes, whoever may have put something else in their place. */
export class Directories {
  readonly #paths: Paths;
  readonly #warnings: Warnings;
  readonly #mainFolder: () => string | undefined;

  /** @param mainFolder the main channel's folder; undefined: no main channel is registered yet */
  constructor(paths: Paths, warnings: Warnings, mainFolder: () => string | undefined) {
    this.#paths = paths;
    this.#warnings = warnings;
    this.#mainFolder = mainFolder;
  }

  /**
   * The directories from which a folder's files are taken. `data/ipc/messages` and `data/ipc/tasks` are main's
   * too: people put files there, and no sandbox sees them.
   */
  of(folder: string): readonly string[] {
    const own = MAILBOX_DIRECTORIES.map((name) => join(this.#paths.groupIpc(folder), name));
    return folder === this.#mainFolder() ? [...own, ...this.shared] : own;
  }

  get shared(): readonly string[] {
    return MAILBOX_DIRECTORIES.map((name) => join(this.#paths.ipc, name));
  }

  /** Mounts keep a container from replacing these; a run by hand with all of `data/ipc` mounted has no such mounts. */
  async isReal(folder: string, path: string): Promise<boolean> {
    for (const part of new Set([this.#paths.groupIpc(folder), path])) {
      try {
        const found = await lstat(part);
        if (found.isDirectory()) continue;
        const what = found.isSymbolicLink() ? 'a link' : 'no directory';
        this.#warnings.warn(folder, `A mailbox is ${what} and is not read; put a directory in its place`, {
          path: part,
        });
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
      }
      return false;
    }
    return true;
  }
}

/** Streams a directory's names as bytes, so that neither their number nor their encoding matters. */
export async function listNames(
  directory: string,
  most: number,
  wanted: (name: RawName) => boolean | Promise<boolean>,
): Promise<{ readonly names: RawName[]; readonly cut: boolean }> {
  const names: RawName[] = [];
  try {
    for await (const entry of await opendir(directory, { encoding: 'latin1', bufferSize: 256 })) {
      const name = entry.name as RawName;
      if (!(await wanted(name))) continue;
      if (names.length === most) return { names, cut: true };
      names.push(name);
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  return { names, cut: false };
}
