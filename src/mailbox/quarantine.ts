import { appendFile, lstat, mkdir, opendir, rename, rmdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { exists } from '../exists.ts';
import { codeOf } from '../machine-trouble.ts';
import type { Paths } from '../paths.ts';
import { displayName, type RawName } from './file-name.ts';
import type { Limits } from './limits.ts';
import type { Warnings } from './warnings.ts';

/** A file out of the container's reach that is to be put away. */
export interface Refused {
  readonly folder: string;
  /** The claim's id: no two entries share one. */
  readonly id: string;
  readonly path: string;
  /** What it was called in the mailbox; unknown after a crash. */
  readonly name: RawName | undefined;
}

type QuarantineLimits = Pick<Limits, 'quarantineEntries' | 'quarantineBytes' | 'recordBytes'>;

interface Usage {
  entries: number;
  bytes: number;
  countedAt: number;
}

const REASON_SUFFIX = '.reason.json';
const RECORDS = 'records.jsonl';
const OLDER_RECORDS = 'records.1.jsonl';
/** How long a full quarantine is believed to be full: an operator may have emptied it. */
const RECOUNT_MS = 60_000;
const MAX_SHOWN_NAME = 80;

/**
 * `data/ipc-errors/<folder>/`: what was not taken, each entry with its reason in a file beside it. Capped per group; of
 * what comes beyond the cap only a line in `records.jsonl` is kept, and likewise of what cannot be moved.
 */
export class Quarantine {
  readonly #paths: Paths;
  readonly #clock: Clock;
  readonly #limits: QuarantineLimits;
  readonly #warnings: Warnings;
  readonly #usage = new Map<string, Usage>();

  constructor(paths: Paths, clock: Clock, limits: QuarantineLimits, warnings: Warnings) {
    this.#paths = paths;
    this.#clock = clock;
    this.#limits = limits;
    this.#warnings = warnings;
  }

  /** Moves a file here, or only records it when the group's quarantine is full. @throws the system's error */
  async put(refused: Refused, reason: string): Promise<void> {
    const { folder, path } = refused;
    const directory = await this.#directory(folder);
    const usage = await this.#usageOf(folder, directory);
    const found = await lstat(path);
    const entry = {
      reason,
      name: refused.name === undefined ? null : displayName(refused.name),
      size: found.size,
      at: new Date(this.#clock.now()).toISOString(),
      claim: refused.id,
    };
    this.#warnings.warn(folder, 'Mailbox file quarantined', { file: entry.name, reason });
    const fits =
      usage.entries < this.#limits.quarantineEntries &&
      usage.bytes + found.size <= this.#limits.quarantineBytes;
    if (!fits && (!found.isDirectory() || (await isEmpty(path)))) {
      // The line first: after a crash between the two it is written once more, and never lost.
      await this.#append(directory, { ...entry, kept: false });
      if (await this.#remove(path, found.isDirectory())) return;
    }
    usage.entries += 1;
    usage.bytes += found.size;
    const target = await this.#freeName(directory, refused);
    await writeIfNew(`${target}${REASON_SUFFIX}`, `${JSON.stringify(entry, null, 2)}\n`);
    await rename(path, target);
  }

  /** Notes what stays where it is because it cannot be moved. */
  async record(folder: string, name: RawName, reason: string): Promise<void> {
    const entry = { reason, name: displayName(name), at: new Date(this.#clock.now()).toISOString() };
    this.#warnings.warn(folder, 'Mailbox file cannot be moved', { file: entry.name, reason });
    await this.#append(await this.#directory(folder), { ...entry, kept: 'in place' });
  }

  async #directory(folder: string): Promise<string> {
    const directory = join(this.#paths.ipcErrors, folder);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return directory;
  }

  /**
   * @returns false for a directory that is not empty: a process may still stand in it and swap what a recursive removal
   * walks through, so it is moved as a whole, cap or no cap
   */
  async #remove(path: string, isDirectory: boolean): Promise<boolean> {
    if (!isDirectory) {
      await unlink(path);
      return true;
    }
    try {
      await rmdir(path);
      return true;
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) return false;
      throw error;
    }
  }

  async #freeName(directory: string, { id, name }: Refused): Promise<string> {
    const base = join(directory, `${id}-${name === undefined ? 'unnamed' : shownName(name)}`);
    for (let copy = 1; ; copy += 1) {
      const candidate = copy === 1 ? base : `${base}-${copy}`;
      if (!(await exists(candidate))) return candidate;
    }
  }

  async #append(directory: string, record: Readonly<Record<string, unknown>>): Promise<void> {
    const path = join(directory, RECORDS);
    if ((await sizeOf(path)) > this.#limits.recordBytes) await rename(path, join(directory, OLDER_RECORDS));
    await appendFile(path, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  }

  async #usageOf(folder: string, directory: string): Promise<Usage> {
    const known = this.#usage.get(folder);
    if (known !== undefined && !this.#mayHaveRoomAgain(known)) return known;
    const usage: Usage = { entries: 0, bytes: 0, countedAt: this.#clock.now() };
    for await (const { name } of await opendir(directory, { encoding: 'latin1' })) {
      if (name.endsWith(REASON_SUFFIX) || name === RECORDS || name === OLDER_RECORDS) continue;
      usage.entries += 1;
      usage.bytes += await sizeOf(Buffer.from(`${directory}/${name}`, 'latin1'));
    }
    this.#usage.set(folder, usage);
    return usage;
  }

  #mayHaveRoomAgain(usage: Usage): boolean {
    const full =
      usage.entries >= this.#limits.quarantineEntries || usage.bytes >= this.#limits.quarantineBytes;
    return full && Math.abs(this.#clock.now() - usage.countedAt) >= RECOUNT_MS;
  }
}

/** The original name as far as it is harmless in a shell and cannot be taken for a reason. */
function shownName(name: RawName): string {
  const safe = displayName(name)
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .slice(0, MAX_SHOWN_NAME);
  return safe.endsWith(REASON_SUFFIX) ? `${safe}_` : safe;
}

async function isEmpty(directory: string): Promise<boolean> {
  const entries = await opendir(directory);
  try {
    return (await entries.read()) === null;
  } finally {
    await entries.close();
  }
}

/** An operator may be tidying up meanwhile: what is gone has no size. */
async function sizeOf(path: string | Buffer): Promise<number> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** A try that failed half-way, on a full disk say, has left the reason already. */
async function writeIfNew(path: string, content: string): Promise<void> {
  try {
    await writeFile(path, content, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
