import { lstat, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { NewId } from '../clock.ts';
import { codeOf, isPassing } from '../machine-trouble.ts';
import type { Paths } from '../paths.ts';
import { type Directories, listNames } from './directories.ts';
import { displayName, isMailboxName, type RawName, rawPath } from './file-name.ts';
import type { Limits } from './limits.ts';
import type { Warnings } from './warnings.ts';

/** Something that lies in a mailbox. */
export interface Found {
  /** Absolute. */
  readonly directory: string;
  readonly name: RawName;
}

/** A file that is the host's alone: nobody else can change its name any more. */
export interface ClaimedFile {
  readonly folder: string;
  readonly id: string;
  readonly path: string;
  /** What it was called; unknown when an earlier process claimed it. */
  readonly name: RawName | undefined;
}

export type ClaimAttempt =
  | { readonly kind: 'claimed'; readonly file: ClaimedFile }
  | { readonly kind: 'gone' }
  /** It cannot be moved, now or later; `identity` says whether it is still the same. */
  | { readonly kind: 'stuck'; readonly reason: string; readonly identity: string };

/** Lists mailboxes and takes files out of the container's reach. Opens nothing and follows no link. */
export class Intake {
  readonly #paths: Paths;
  readonly #newId: NewId;
  readonly #limits: Pick<Limits, 'listing'>;
  readonly #warnings: Warnings;
  readonly #directories: Directories;

  constructor(
    paths: Paths,
    newId: NewId,
    limits: Pick<Limits, 'listing'>,
    warnings: Warnings,
    directories: Directories,
  ) {
    this.#paths = paths;
    this.#newId = newId;
    this.#limits = limits;
    this.#warnings = warnings;
    this.#directories = directories;
  }

  /** Files claimed and not finished yet, in the order in which they were claimed (the ids sort by time). */
  async claimedIn(folder: string): Promise<readonly ClaimedFile[]> {
    const directory = this.#claimsOf(folder);
    const { names } = await listNames(directory, this.#limits.listing, () => true);
    return names.sort().map((name) => this.#claimedFile(folder, displayName(name)));
  }

  /**
   * What lies in a directory, in the order of the names, which tools begin with the time.
   * @param skip what is known and is to be left out
   * @returns `cut`: there is more than one listing may hold
   */
  async list(
    folder: string,
    directory: string,
    skip: (found: Found) => Promise<boolean>,
  ): Promise<{ readonly found: readonly Found[]; readonly cut: boolean }> {
    if (!(await this.#directories.isReal(folder, directory))) return { found: [], cut: false };
    try {
      const { names, cut } = await listNames(
        directory,
        this.#limits.listing,
        async (name) => isMailboxName(name) && !(await skip({ directory, name })),
      );
      return { found: names.sort().map((name) => ({ directory, name })), cut };
    } catch (error) {
      if (isPassing(error)) throw error;
      this.#warnings.warn(folder, 'Mailbox cannot be listed', { path: directory, code: codeOf(error) });
      return { found: [], cut: false };
    }
  }

  /** Takes one file by renaming it. @throws the system's error when the machine is the cause */
  async claim(folder: string, { directory, name }: Found): Promise<ClaimAttempt> {
    const source = rawPath(directory, name);
    const file = { ...this.#claimedFile(folder, this.#newId()), name };
    try {
      try {
        await rename(source, file.path);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
        await mkdir(this.#claimsOf(folder), { recursive: true, mode: 0o700 });
        await rename(source, file.path);
      }
      return { kind: 'claimed', file };
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') return { kind: 'gone' };
      if (code === '' || isPassing(error)) throw error;
      const identity = await this.identify({ directory, name });
      return identity === undefined
        ? { kind: 'gone' }
        : { kind: 'stuck', reason: `cannot be moved (${code})`, identity };
    }
  }

  /** Which file it is; a change of its rights changes this, so that a mended one is tried again. */
  async identify({ directory, name }: Found): Promise<string | undefined> {
    try {
      const { ino, ctimeMs } = await lstat(rawPath(directory, name));
      return `${ino}:${ctimeMs}`;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #claimsOf(folder: string): string {
    return join(this.#paths.ipcClaimed, folder);
  }

  #claimedFile(folder: string, id: string): ClaimedFile {
    return { folder, id, path: join(this.#claimsOf(folder), id), name: undefined };
  }
}
