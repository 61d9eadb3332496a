import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { watch as chokidarWatch } from 'chokidar';
import type { Clock, NewId } from '../clock.ts';
import { checkFolderName } from '../groups/folder-name.ts';
import type { Log } from '../log.ts';
import { codeOf } from '../machine-trouble.ts';
import type { Paths } from '../paths.ts';
import { isFolderName } from '../protocol/layout.ts';
import type { Snapshots } from '../snapshots/snapshots.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { checkClaims, isDirectory } from './claim-check.ts';
import { Directories } from './directories.ts';
import { FolderMailbox, type FolderServices } from './folder-mailbox.ts';
import { GroupSync } from './group-sync.ts';
import { Intake } from './intake.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { OutgoingFiles } from './outgoing-files.ts';
import { Processor } from './processor.ts';
import { Quarantine } from './quarantine.ts';
import { RoundRobin } from './round-robin.ts';
import { Sweeper } from './sweeper.ts';
import { Warnings } from './warnings.ts';
import { MailboxWatcher, type Watch } from './watcher.ts';

export interface MailboxOptions {
  readonly store: Store;
  readonly paths: Paths;
  readonly snapshots: Snapshots;
  /** Asks the channel for all groups; rejects while the line is away. */
  readonly syncGroups: () => Promise<number>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  readonly timezone: string;
  readonly timings: Pick<
    Timings,
    'mailboxRescanMs' | 'mailboxSettleMs' | 'mailboxDrainMs' | 'groupRefreshTimeoutMs' | 'workFailurePauseMs'
  >;
  readonly limits?: Partial<Limits>;
  readonly watch?: Watch;
}

/** Files that an agent drops into `data/ipc/<folder>/messages` and `/tasks`, or a person, become effects. */
export class Mailbox {
  readonly #options: MailboxOptions;
  readonly #directories: Directories;
  readonly #sweeper: Sweeper;
  readonly #warnings: Warnings;
  readonly #groupSync: GroupSync;
  readonly #outgoingFiles: OutgoingFiles;
  readonly #services: FolderServices;
  readonly #robin = new RoundRobin();
  readonly #watcher: MailboxWatcher;
  readonly #mailboxes = new Map<string, FolderMailbox>();
  #following: Promise<void> = Promise.resolve();
  #rescanTimer: NodeJS.Timeout | undefined;
  #rescanning: Promise<void> = Promise.resolve();
  #started: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: MailboxOptions) {
    const { store, paths, snapshots, clock, newId, timezone, timings } = options;
    const log = options.log.child({ room: 'mailbox' });
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const warnings = new Warnings(log, clock, limits);
    const quarantine = new Quarantine(paths, clock, limits, warnings);
    this.#options = options;
    this.#warnings = warnings;
    const directories = new Directories(paths, warnings, () => store.groups.main()?.folder);
    this.#directories = directories;
    this.#sweeper = new Sweeper({ paths, directories, limits, clock, warnings });
    this.#groupSync = new GroupSync(options.syncGroups, timings.groupRefreshTimeoutMs, log);
    this.#outgoingFiles = new OutgoingFiles({ paths, outbox: store.outbox, quarantine, limits });
    this.#services = {
      directories,
      intake: new Intake(paths, newId, limits, warnings, directories),
      processor: new Processor({
        store,
        paths,
        snapshots,
        quarantine,
        outgoingFiles: this.#outgoingFiles,
        groupSync: this.#groupSync,
        clock,
        newId,
        log,
        timezone,
        limits,
      }),
      quarantine,
      warnings,
      limits,
      timings,
      wake: (mailbox) => this.#robin.wake(mailbox),
      backlog: (folder, heavy) => (heavy ? this.#watcher.pause(folder) : this.#watcher.resume(folder)),
    };
    this.#watcher = new MailboxWatcher({
      watch: options.watch ?? chokidarWatch,
      log,
      ring: (folder) => this.#mailboxOf(folder).ring(),
    });
  }

  /**
   * Takes the claimed files of an earlier process, then everything that lies there, then watches. To be called before
   * runs that a crash interrupted are settled: what they left here is still their effect.
   * Twice or at once: shares the outcome.
   * @throws MailboxError when files cannot be claimed by renaming
   */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /** Waits for the file at hand. Twice or at once: shares the outcome. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /**
   * Everything that lies in a folder's mailbox now has become its effect or is in quarantine. Files that are still being
   * written are waited for, within bounds. Called by a turn before it commits an answer, and before a run is settled. What
   * cannot be a group's folder has no mailbox: a run whose row was changed by hand is settled all the same.
   * @throws NotDrainedError when the machine does not let all of it be taken now
   */
  async drain(folder: string): Promise<void> {
    if (this.#stopping === undefined && isFolderName(folder)) await this.#mailboxOf(folder).drain();
  }

  /** Watches the groups that are registered now. Called when the bell `groups` rings. */
  followGroups(): void {
    this.#following = this.#following.then(() => this.#follow()).catch((error: unknown) => this.#tell(error));
  }

  async #start(): Promise<void> {
    const { paths, newId } = this.#options;
    for (const directory of [paths.ipc, paths.ipcClaimed, paths.ipcErrors, paths.outgoing]) {
      await mkdir(directory, { recursive: true, mode: directory === paths.ipc ? 0o755 : 0o700 });
    }
    await this.#makeShared();
    for (const folder of this.#registeredFolders()) {
      for (const directory of this.#directories.of(folder)) {
        await this.#checkClaims(directory, paths.ipcClaimed, newId());
      }
      await this.#checkClaims(join(paths.groupIpc(folder), 'files'), paths.outgoing, newId());
    }
    const folders = await this.#folders();
    await this.#sweeper.sweep(folders);
    for (const folder of folders) this.#mailboxOf(folder).ring();
    await this.#robin.idle();
    await this.#outgoingFiles.sweep();
    if (this.#stopping !== undefined) return;
    this.followGroups();
    await this.#following;
    this.#scheduleRescan();
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#rescanTimer);
    this.#groupSync.stop();
    await this.#robin.stop();
    await Promise.all([...this.#mailboxes.values()].map((mailbox) => mailbox.stop()));
    // A start that failed has told its caller already.
    await this.#started?.catch(() => undefined);
    clearTimeout(this.#rescanTimer);
    await this.#rescanning;
    await this.#following;
    await this.#watcher.close();
  }

  /** Something else in their place is reported by whoever lists them. */
  async #makeShared(): Promise<void> {
    for (const directory of this.#directories.shared) {
      try {
        await mkdir(directory, { mode: 0o755 });
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  /** A directory in which the host may not even write has nothing that it could take; its files show up as stuck. */
  async #checkClaims(directory: string, claims: string, id: string): Promise<void> {
    try {
      await checkClaims(directory, claims, id);
    } catch (error) {
      if (!['EACCES', 'EPERM'].includes(codeOf(error))) throw error;
      this.#options.log.warn(
        { error, directory },
        'A mailbox is not writable: give it to the user of this host',
      );
    }
  }

  /** Every folder that has, had or left something here, registered or not. */
  async #folders(): Promise<ReadonlySet<string>> {
    const { paths } = this.#options;
    const folders = new Set(this.#registeredFolders());
    for (const directory of [paths.ipc, paths.ipcClaimed]) {
      for (const entry of await readdir(directory, { withFileTypes: true })) {
        if (entry.isDirectory() && isFolderName(entry.name)) folders.add(entry.name);
      }
    }
    return folders;
  }

  #registeredFolders(): readonly string[] {
    return this.#options.store.groups
      .all()
      .map(({ folder }) => folder)
      .filter(isFolderName);
  }

  #mailboxOf(folder: string): FolderMailbox {
    const known = this.#mailboxes.get(folder);
    if (known !== undefined) return known;
    const mailbox = new FolderMailbox(checkFolderName(folder), this.#services);
    this.#mailboxes.set(folder, mailbox);
    return mailbox;
  }

  async #follow(): Promise<void> {
    const folders = new Map<string, readonly string[]>();
    for (const folder of this.#registeredFolders()) {
      const directories = this.#directories.of(folder);
      const real = await Promise.all(directories.map(isDirectory));
      folders.set(
        folder,
        directories.filter((_, index) => real[index]),
      );
    }
    if (this.#stopping === undefined) this.#watcher.follow(folders);
  }

  #scheduleRescan(): void {
    if (this.#stopping !== undefined) return;
    this.#rescanTimer = setTimeout(() => {
      this.#rescanning = this.#rescan().finally(() => this.#scheduleRescan());
    }, this.#options.timings.mailboxRescanMs);
  }

  async #rescan(): Promise<void> {
    try {
      this.#warnings.flush();
      await this.#outgoingFiles.sweep();
      await this.#makeShared();
      const folders = await this.#folders();
      await this.#sweeper.sweep(folders);
      for (const folder of folders) this.#mailboxOf(folder).ring();
      this.followGroups();
      await this.#following;
    } catch (error) {
      this.#tell(error);
    }
  }

  #tell(error: unknown): void {
    this.#options.log.error({ error }, 'Mailboxes could not be looked at; the next rescan tries again');
  }
}
