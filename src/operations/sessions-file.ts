import { type FileHandle, open } from 'node:fs/promises';
import { watch as chokidarWatch, type FSWatcher } from 'chokidar';
import { z } from 'zod';
import { withCleanUp } from '../clean-up.ts';
import type { Log } from '../log.ts';
import { codeOf } from '../machine-trouble.ts';
import type { Paths } from '../paths.ts';
import { replaceFile } from '../replace-file.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { CODEX_MARK } from './adopt-v1-files.ts';

/** The view of no session: a person who empties the file writes something else. */
const EMPTY_VIEW = '{\n}\n';

/** What stands there is no file. */
const OTHER_KIND: ReadonlySet<string> = new Set(['EISDIR', 'ENOTDIR', 'ELOOP']);

const View = z.record(z.string(), z.string());

export interface SessionsFileOptions {
  readonly store: Store;
  readonly paths: Pick<Paths, 'data' | 'sessionsFile'>;
  readonly log: Log;
  readonly timings: Pick<Timings, 'mailboxSettleMs'>;
  readonly watch?: typeof chokidarWatch;
}

/**
 * `data/sessions.json`, which v1's operators read and empty: a view of the sessions that the host writes. Nothing is
 * taken from it but being emptied, which clears all sessions. A file of another form is left alone.
 */
export class SessionsFile {
  readonly #options: SessionsFileOptions;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #written: string | undefined;
  /** What was logged last, so that each text is logged once. */
  #reported: string | undefined;
  #stopped = false;

  constructor(options: SessionsFileOptions) {
    this.#options = options;
  }

  /** Reads what a person did while no host ran, writes the view, then watches. Never rejects. */
  async start(): Promise<void> {
    const { paths, log, watch = chokidarWatch } = this.#options;
    await this.refresh();
    const watcher = watch(paths.data, {
      depth: 0,
      followSymlinks: false,
      ignoreInitial: true,
      ignored: (path) => path !== paths.data,
    });
    watcher.on('raw', () => void this.refresh());
    watcher.on('ready', () => void this.refresh());
    watcher.on('error', (error) =>
      log.warn({ err: error }, 'data/sessions.json cannot be watched; it is read when a session changes'),
    );
    this.#watcher = watcher;
  }

  /** Brings file and sessions in line. Never rejects: what fails is logged, and done at the next change. */
  refresh(): Promise<void> {
    return this.#lookAfter(undefined);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#watcher?.close();
    await this.#looking;
  }

  #lookAfter(seen: string | undefined): Promise<void> {
    this.#looking = this.#looking
      .then(() => (this.#stopped || !this.#options.store.isOpen ? undefined : this.#look(seen)))
      .catch((error: unknown) => {
        const fix = OTHER_KIND.has(codeOf(error))
          ? 'move away what is in its place'
          : 'it follows at the next change';
        this.#report(String(error), error, `data/sessions.json cannot be read or written: ${fix}`);
      });
    return this.#looking;
  }

  /** @param seen what stood in it a moment ago; the same text now is no longer being written */
  async #look(seen: string | undefined): Promise<void> {
    const { paths } = this.#options;
    const file = await open(paths.sessionsFile).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    await withCleanUp(
      async () => {
        const text = await textOf(file);
        if (!(await this.#bringInLine(text, seen))) return;
        // What a person wrote since it was read went with the file that the view has replaced.
        const left = await textOf(file);
        if (left === text || left === undefined) return;
        await replaceFile(paths.sessionsFile, left);
        void this.refresh();
      },
      async () => file?.close(),
    );
  }

  /**
   * @param text what stands in the file; undefined: there is none
   * @returns whether the file was replaced
   */
  async #bringInLine(text: string | undefined, seen: string | undefined): Promise<boolean> {
    const { store, log, timings } = this.#options;
    if (text !== undefined && text !== this.#written) {
      const found = read(text);
      if (found !== 'whole' && text !== seen && text.trim() !== '{}') {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => void this.#lookAfter(text), timings.mailboxSettleMs);
        return false;
      }
      if (found === 'foreign') {
        const words =
          'data/sessions.json is not of the form that the host writes and is left alone; remove it';
        this.#report(text, undefined, words);
        return false;
      }
      if (found === 'emptied' && store.state.get('sessions:file') !== undefined) {
        const cleared = store.sessions.clear();
        log.info({ cleared }, 'Cleared all sessions: data/sessions.json was emptied');
      } else if (found === 'whole' && this.#written !== undefined) {
        this.#report(text, undefined, 'A change in data/sessions.json was undone; only emptying it counts');
      }
    }
    return this.#write(text);
  }

  /**
   * @param before what stands in the file; undefined: there is none
   * @returns whether the file was replaced
   */
  async #write(before: string | undefined): Promise<boolean> {
    const { store, paths } = this.#options;
    const view = viewOf(store);
    if (view !== before) {
      // The first time it is v1's.
      if (before !== undefined && store.state.get('sessions:file') === undefined)
        await replaceFile(`${paths.sessionsFile}.v1`, before);
      await replaceFile(paths.sessionsFile, view);
    }
    this.#written = view;
    if (store.state.get('sessions:file') === undefined) store.state.set('sessions:file', 'written');
    return view !== before;
  }

  #report(what: string, error: unknown, words: string): void {
    if (this.#stopped || what === this.#reported) return;
    this.#reported = what;
    this.#options.log.warn(error === undefined ? {} : { err: error }, words);
  }
}

/** All of an open file, whatever has its name by now. */
async function textOf(file: FileHandle | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
  return buffer.toString('utf8', 0, bytesRead);
}

/** Each group's session; a further one of another agent bears that agent's name too. */
function viewOf(store: Store): string {
  const entries = new Map<string, string>();
  for (const { folder, provider, sessionId } of store.sessions.all()) {
    const key = entries.has(folder) ? `${folder}/${provider}` : folder;
    entries.set(key, provider === 'codex' ? CODEX_MARK : sessionId);
  }
  return entries.size === 0 ? EMPTY_VIEW : `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

function read(text: string): 'emptied' | 'whole' | 'foreign' {
  if (text === EMPTY_VIEW) return 'whole';
  if (text.trim() === '') return 'emptied';
  let value: unknown;
  try {
    // A byte order mark goes with the blanks.
    value = JSON.parse(text.trim());
  } catch {
    return 'foreign';
  }
  if (!View.safeParse(value).success || Array.isArray(value)) return 'foreign';
  return Object.keys(value as object).length === 0 ? 'emptied' : 'whole';
}
