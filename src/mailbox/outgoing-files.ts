import { lstat, mkdir, readdir, rename, unlink } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileTypeFromFile } from 'file-type';
import type { FileKind } from '../channel/channel.ts';
import { exists } from '../exists.ts';
import { isText } from '../is-text.ts';
import { codeOf, isPassing } from '../machine-trouble.ts';
import type { Paths } from '../paths.ts';
import type { Outbox } from '../store/outbox.ts';
import { isDirectory } from './claim-check.ts';
import { Refusal } from './errors.ts';
import type { RawName } from './file-name.ts';
import type { Limits } from './limits.ts';
import type { Quarantine } from './quarantine.ts';
import { objectionTo } from './safe-read.ts';

/** A file that the host alone can reach, and what it is by its content. */
export interface TakenFile {
  readonly path: string;
  readonly bytes: number;
  readonly as: FileKind;
  readonly mimeType: string;
}

export interface OutgoingFilesOptions {
  readonly paths: Paths;
  readonly outbox: Outbox;
  readonly quarantine: Quarantine;
  readonly limits: Pick<Limits, 'outgoingBytes'>;
}

/** Larger ones are refused by phones as pictures, videos and recordings, and go as documents. */
const LARGEST_SHOWN = 16_000_000;

/** What content does not tell, of what agents write. Any other text is plain. */
const TEXT_TYPES: Readonly<Record<string, string>> = {
  '.txt': 'text/plain',
  '.md': 'text/markdown',
  '.csv': 'text/csv',
  '.html': 'text/html',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/**
 * Files that agents send: taken out of `files/` by a rename to `data/outgoing/<claim>`, where only the host reaches them,
 * and kept as long as a row of the outbox that is not settled names them. The claim's id is that of the request's own
 * file: after a crash between claim and commit the request is taken up again and finds the file here. What nothing
 * names any more is swept: at the start, at each rescan, and it has been sent or refused then.
 */
export class OutgoingFiles {
  readonly #options: OutgoingFilesOptions;
  /** Claims whose requests are not committed yet. */
  readonly #underWay = new Set<string>();

  constructor(options: OutgoingFilesOptions) {
    this.#options = options;
  }

  /**
   * Takes a file of a group. To be followed by `release`, when the request was committed or refused.
   * @param leaf its name in `files/`, as the request has it
   * @param id of the request's claim
   * @throws Refusal when there is no such plain file of a fair size
   * @throws the system's error when the machine is the cause
   */
  async claim(folder: string, leaf: string, id: string): Promise<TakenFile> {
    this.#underWay.add(id);
    const path = join(this.#options.paths.outgoing, id);
    if (!(await exists(path))) await this.#take(folder, leaf, path);
    const found = await lstat(path);
    const objection = objectionTo(found, this.#options.limits.outgoingBytes);
    if (objection !== undefined) {
      const name = Buffer.from(leaf).toString('latin1') as RawName;
      await this.#options.quarantine.put({ folder, id: `${id}-file`, path, name }, objection);
      throw new Refusal(`The file ${leaf} ${objection}. Send a plain file.`);
    }
    if (found.size === 0) throw new Refusal(`The file ${leaf} is empty.`);
    return { path, bytes: found.size, ...(await this.#typeOf(path, leaf, found.size)) };
  }

  /** The request of a claim was committed or refused: what no row names may be swept. */
  async release(id: string): Promise<void> {
    if (!this.#underWay.delete(id)) return;
    await this.#drop([id]);
  }

  /** Removes what no open row names and no request that waits to be taken up again. */
  async sweep(): Promise<void> {
    const names = await namesIn(this.#options.paths.outgoing);
    if (names.length === 0) return;
    const claimed = await this.#claimedRequests();
    await this.#drop(names.filter((name) => !claimed.has(name)));
  }

  /** Claims that are not concluded: a machine without room may have left them for a later pass. */
  async #claimedRequests(): Promise<ReadonlySet<string>> {
    const { ipcClaimed } = this.#options.paths;
    const folders = await namesIn(ipcClaimed);
    return new Set((await Promise.all(folders.map((folder) => namesIn(join(ipcClaimed, folder))))).flat());
  }

  async #drop(names: readonly string[]): Promise<void> {
    const { paths, outbox } = this.#options;
    // Both at one instant: what is committed while others are removed was under way.
    const open = outbox.openFiles();
    const underWay = new Set(this.#underWay);
    for (const name of names) {
      const path = join(paths.outgoing, name);
      if (underWay.has(name) || open.has(path)) continue;
      try {
        await unlink(path);
      } catch (error) {
        if (!['ENOENT', 'EISDIR', 'EPERM'].includes(codeOf(error))) throw error;
      }
    }
  }

  async #take(folder: string, leaf: string, path: string): Promise<void> {
    const { paths } = this.#options;
    if (leaf.startsWith('.') || /[/\\\0]/.test(leaf)) {
      throw new Refusal('“file” must be the plain name of a file in files/.');
    }
    const directory = join(paths.groupIpc(folder), 'files');
    // Mounts keep a container from replacing these; a run by hand with all of `data/ipc` mounted has no such mounts.
    for (const part of [paths.groupIpc(folder), directory]) {
      if (!(await isDirectory(part))) throw new Refusal('There is no directory files/ to take it from.');
    }
    await mkdir(paths.outgoing, { recursive: true, mode: 0o700 });
    try {
      await rename(join(directory, leaf), path);
    } catch (error) {
      const code = codeOf(error);
      if (isPassing(error) || code === 'EXDEV') throw error;
      throw new Refusal(
        code === 'ENOENT'
          ? `There is no file ${leaf} in files/.`
          : `The file ${leaf} cannot be taken (${code}).`,
      );
    }
  }

  async #typeOf(path: string, leaf: string, size: number): Promise<Pick<TakenFile, 'as' | 'mimeType'>> {
    const mimeType =
      (await fileTypeFromFile(path))?.mime ??
      TEXT_TYPES[extname(leaf).toLowerCase()] ??
      ((await isText(path)) ? 'text/plain' : 'application/octet-stream');
    return { mimeType, as: size > LARGEST_SHOWN ? 'document' : kindOf(mimeType) };
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

function kindOf(mimeType: string): FileKind {
  if (['image/jpeg', 'image/png', 'image/webp'].includes(mimeType)) return 'image';
  if (mimeType === 'video/mp4') return 'video';
  if (mimeType === 'audio/ogg; codecs=opus') return 'voice';
  return mimeType.startsWith('audio/') ? 'audio' : 'document';
}
