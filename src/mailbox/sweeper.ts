import { lstat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, HOUR } from '../clock.ts';
import { codeOf } from '../machine-trouble.ts';
import type { Paths } from '../paths.ts';
import { type Directories, listNames } from './directories.ts';
import { type RawName, rawPath } from './file-name.ts';
import type { Limits } from './limits.ts';
import type { Warnings } from './warnings.ts';

/** What is left behind in a directory of a group's mailbox, and after how long without a change nobody will come back for it. */
interface Rule {
  readonly isLeft: (name: RawName) => boolean;
  readonly after: 'temporaryMs' | 'unsentMs';
}

const isTemporary = (name: RawName): boolean => name.endsWith('.tmp');

/** What agents and scripts began to write. */
const LEFT_BY_WRITERS: Rule = { isLeft: isTemporary, after: 'temporaryMs' };

/** Below the group's own directory; empty: that one itself. */
const RULES: readonly (Rule & { readonly directory: string })[] = [
  // What a host that was killed began to write.
  { directory: '', isLeft: isTemporary, after: 'temporaryMs' },
  { directory: 'results', isLeft: isTemporary, after: 'temporaryMs' },
  // What no request ever named.
  { directory: 'files', isLeft: () => true, after: 'unsentMs' },
];

const SWEEP_EVERY_MS = HOUR;

export interface SweeperOptions {
  readonly paths: Paths;
  readonly directories: Directories;
  readonly limits: Pick<Limits, 'listing' | Rule['after']>;
  readonly clock: Clock;
  readonly warnings: Warnings;
}

/** Removes what writers and hosts that crashed left in the mailboxes. Directories stay: somebody may stand in them. */
export class Sweeper {
  readonly #options: SweeperOptions;
  #sweptAt: number | undefined;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** At the first call, then hourly however often it is called. */
  async sweep(folders: Iterable<string>): Promise<void> {
    const now = this.#options.clock.now();
    if (this.#sweptAt !== undefined && Math.abs(now - this.#sweptAt) < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    const { paths, directories } = this.#options;
    for (const folder of folders) {
      for (const path of directories.of(folder)) await this.#apply(LEFT_BY_WRITERS, folder, path, now);
      for (const rule of RULES)
        await this.#apply(rule, folder, join(paths.groupIpc(folder), rule.directory), now);
    }
  }

  async #apply({ isLeft, after }: Rule, folder: string, path: string, now: number): Promise<void> {
    const { directories, limits, warnings } = this.#options;
    if (!(await directories.isReal(folder, path))) return;
    for (const name of await this.#leftIn(folder, path, isLeft)) {
      const left = rawPath(path, name);
      try {
        const found = await lstat(left);
        // Its ctime too: what was renamed or given a name just now is in use, however old it says it is.
        const isOld = Math.max(found.mtimeMs, found.ctimeMs) < now - limits[after];
        if (!found.isDirectory() && isOld) await unlink(left);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') continue;
        warnings.warn(folder, 'What was left in a mailbox cannot be removed', { code: codeOf(error) });
      }
    }
  }
  /** An agent may lock a directory that is its own: the host starts all the same. */
  async #leftIn(folder: string, path: string, isLeft: Rule['isLeft']): Promise<readonly RawName[]> {
    const { limits, warnings } = this.#options;
    try {
      return (await listNames(path, limits.listing, isLeft)).names;
    } catch (error) {
      warnings.warn(folder, 'What was left in a mailbox cannot be looked for', { path, code: codeOf(error) });
      return [];
    }
  }
}
