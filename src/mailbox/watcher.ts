import type { watch as chokidarWatch, FSWatcher } from 'chokidar';
import type { Log } from '../log.ts';
import { codeOf } from '../machine-trouble.ts';

export type Watch = typeof chokidarWatch;

export interface WatcherOptions {
  readonly watch: Watch;
  readonly log: Log;
  /** Something happened in a directory of a folder. */
  readonly ring: (folder: string) => void;
}

interface Watched {
  readonly directories: readonly string[];
  /** Absent while paused. */
  watcher: FSWatcher | undefined;
}

/**
 * The doorbell: it says that something happened in a folder, never what. The directory is the truth, and a ring that is
 * missed costs one rescan. Files are not watched: a directory's raw events say enough and cost nothing per file.
 *
 * Still chokidar reads the whole directory again and asks for the state of each file in it after an event, over and over
 * while events come. In a directory of thousands that keeps every thread of the process busy, so a folder with a backlog
 * is not watched until it is worked off. Each folder has a watcher of its own, whose `ready` says from when on it rings.
 */
export class MailboxWatcher {
  readonly #options: WatcherOptions;
  readonly #folders = new Map<string, Watched>();
  readonly #closing = new Set<Promise<void>>();
  #warned = false;
  #closed = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Watches exactly these folders, by their directories, which exist. Rings once for each that is new. */
  follow(folders: ReadonlyMap<string, readonly string[]>): void {
    for (const [folder, { directories }] of this.#folders) {
      const wanted = folders.get(folder);
      if (wanted === undefined || wanted.join() !== directories.join()) this.#forget(folder);
    }
    for (const [folder, directories] of folders) {
      if (this.#folders.has(folder) || directories.length === 0) continue;
      this.#folders.set(folder, { directories, watcher: undefined });
      this.resume(folder);
      this.#options.ring(folder);
    }
  }

  pause(folder: string): void {
    const watched = this.#folders.get(folder);
    if (watched?.watcher === undefined) return;
    this.#close(watched.watcher);
    watched.watcher = undefined;
  }

  /** Watches again; rings as soon as it does, for what came meanwhile. */
  resume(folder: string): void {
    const watched = this.#folders.get(folder);
    if (watched === undefined || watched.watcher !== undefined || this.#closed) return;
    watched.watcher = this.#open(folder, watched.directories);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const folder of [...this.#folders.keys()]) this.#forget(folder);
    await Promise.all(this.#closing);
  }

  #open(folder: string, directories: readonly string[]): FSWatcher {
    const { watch, ring } = this.#options;
    const watcher = watch([...directories], {
      depth: 0,
      followSymlinks: false,
      ignoreInitial: true,
      ignored: (path) => !directories.includes(path),
    });
    watcher.on('raw', () => ring(folder));
    watcher.on('ready', () => ring(folder));
    // Forgotten, so that the next rescan watches it again if it came back.
    watcher.on('unlinkDir', () => this.#forget(folder));
    watcher.on('error', (error) => this.#warnOnce(error));
    return watcher;
  }

  #forget(folder: string): void {
    const watcher = this.#folders.get(folder)?.watcher;
    this.#folders.delete(folder);
    if (watcher !== undefined) this.#close(watcher);
  }

  #close(watcher: FSWatcher): void {
    const closing = watcher.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #warnOnce(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    const full = ['ENOSPC', 'EMFILE', 'ENFILE'].includes(codeOf(error));
    const fix = full
      ? 'This system allows no more watches: raise fs.inotify.max_user_watches and max_user_instances.'
      : undefined;
    this.#options.log.warn(
      { error, fix },
      'Mailboxes cannot be watched; files are found by the rescan alone',
    );
  }
}
