import { once } from 'node:events';
import { constants, type Stats, type WriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Header, list, Pack, ReadEntry } from 'tar';
import { z } from 'zod';
import { BackupError } from './errors.ts';

/** The first entry of each backup. */
export const MANIFEST = 'backup.json';

/** The last one: without it, it is not whole. */
const END = 'backup.end';

/** What a backup may hold, and where it lies below the root. */
export const MESSAGES = 'store/messages.db';
export const ACCOUNT = 'store/whatsapp.db';
export const TREES = ['groups', 'data/sessions'] as const;

/** Another form of a backup is another format. */
const FORMAT = 1;

export const Manifest = z.object({
  format: z.number().describe('the form of the archive'),
  createdAt: z.string().describe('ISO instant'),
});
export type Manifest = z.infer<typeof Manifest>;

/** Bytes read at once. */
const CHUNK = 256 * 1024;

/** Writes a backup, entry after entry, compressed. */
export class ArchiveWriter {
  readonly #pack = new Pack({ gzip: true });
  readonly #output: WriteStream;
  readonly #written: Promise<void>;
  #failure: unknown;

  /** @param file open for writing; it is closed at the end */
  constructor(file: FileHandle) {
    this.#output = file.createWriteStream();
    this.#written = pipeline(this.#pack as unknown as AsyncIterable<Buffer>, this.#output);
    this.#written.catch((error: unknown) => {
      this.#failure = error;
    });
  }

  async begin(createdAt: number): Promise<void> {
    const manifest: Manifest = { format: FORMAT, createdAt: new Date(createdAt).toISOString() };
    await this.addText(MANIFEST, JSON.stringify(manifest));
  }

  /** All has been added. Resolves when it is written. */
  async end(): Promise<void> {
    await this.addText(END, '');
    this.#pack.end();
    await this.#written;
  }

  /** It will not be finished. Whatever was written stays. */
  abandon(): void {
    this.#output.destroy();
  }

  async addText(path: string, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    const header = { path, type: 'File', mode: 0o600, size: bytes.length, mtime: new Date() } as const;
    await this.#add(new ReadEntry(new Header(header)), async function* () {
      yield bytes;
    });
  }

  async addDirectory(path: string, stats: Stats): Promise<void> {
    const header = { ...ownerOf(stats), path: `${path}/`, type: 'Directory', size: 0 } as const;
    await this.#add(new ReadEntry(new Header(header)), async function* () {
      // There is nothing in it.
    });
  }

  /**
   * A file with as many bytes as it had a moment ago: what it grew by since is left, and what was cut off is zeros.
   * @returns whether it stayed as long as it was
   */
  async addFile(path: string, stats: Stats, file: FileHandle): Promise<boolean> {
    const header = { ...ownerOf(stats), path, type: 'File', size: stats.size } as const;
    let isWhole = true;
    await this.#add(new ReadEntry(new Header(header)), async function* () {
      let position = 0;
      while (position < stats.size) {
        const wanted = Math.min(CHUNK, stats.size - position);
        const buffer = Buffer.alloc(wanted);
        const bytesRead = isWhole ? (await file.read(buffer, 0, wanted, position)).bytesRead : 0;
        if (bytesRead === 0) isWhole = false;
        const length = isWhole ? bytesRead : wanted;
        position += length;
        yield buffer.subarray(0, length);
      }
    });
    return isWhole;
  }

  async #add(entry: ReadEntry, content: () => AsyncIterable<Buffer>): Promise<void> {
    const taken = once(entry, 'end');
    this.#pack.add(entry);
    for await (const bytes of content()) {
      if (this.#failure !== undefined) throw this.#failure;
      if (!entry.write(bytes)) await Promise.race([once(entry, 'drain'), this.#written]);
    }
    entry.end();
    await Promise.race([taken, this.#written]);
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function ownerOf(stats: Stats): { mode: number; uid: number; gid: number; mtime: Date } {
  return { mode: stats.mode & 0o777, uid: stats.uid, gid: stats.gid, mtime: stats.mtime };
}

/** What is known of a backup that was read from its first to its last byte. */
export interface CheckedArchive {
  readonly manifest: Manifest;
  readonly hasAccount: boolean;
}

/**
 * Reads a backup to its end: its sums are right, nothing in it leads anywhere else, and it is of a form that is known here.
 * @throws BackupError that says what it is instead
 */
export async function checkArchive(file: string): Promise<CheckedArchive> {
  await checkReadable(file);
  const bad = (reason: string): BackupError =>
    new BackupError(`${file} is no whole backup: ${reason}. Nothing was changed. Take another one.`);
  const names = new Set<string>();
  let first: string | undefined;
  let last: string | undefined;
  let manifest = '';
  let objection: string | undefined;
  try {
    await list({
      file,
      strict: true,
      onReadEntry: (entry) => {
        const name = entry.path.replace(/\/$/, '');
        objection ??= objectionTo(entry.type, name);
        first ??= name;
        last = name;
        names.add(name);
        if (name === MANIFEST) entry.on('data', (bytes: Buffer) => (manifest += bytes.toString('utf8')));
        else entry.resume();
      },
    });
  } catch (error) {
    throw bad((error as Error).message);
  }
  if (objection !== undefined) throw bad(objection);
  if (first !== MANIFEST) throw bad('it was not made by: ./nanoclaw backup');
  if (last !== END || !names.has(MESSAGES)) throw bad('its end is missing');
  const parsed = Manifest.safeParse(jsonOf(manifest));
  if (!parsed.success) throw bad(`${MANIFEST} in it cannot be understood`);
  if (parsed.data.format > FORMAT) {
    throw new BackupError(
      `${file} was made by a newer version of NanoClaw. Nothing was changed. Restore it with that version.`,
    );
  }
  return { manifest: parsed.data, hasAccount: names.has(ACCOUNT) };
}

/** Anything but a plain file or a directory in one of the known places, or a way out of it. */
function objectionTo(type: string, name: string): string | undefined {
  if (type !== 'File' && type !== 'Directory') return `there is a ${type} in it`;
  if (name.split('/').some((part) => part === '' || part === '.' || part === '..'))
    return 'a name in it leads elsewhere';
  const isFile = type === 'File';
  if (isFile && [MANIFEST, END, MESSAGES, ACCOUNT].includes(name)) return undefined;
  const isInTree = TREES.some((tree) => name.startsWith(`${tree}/`) || (!isFile && name === tree));
  return isInTree ? undefined : `something in it has no place here`;
}

async function checkReadable(file: string): Promise<void> {
  const { O_RDONLY, O_NONBLOCK } = constants;
  try {
    const handle = await open(file, O_RDONLY | O_NONBLOCK);
    const stats = await handle.stat();
    await handle.close();
    if (!stats.isFile()) throw new Error('it is no file');
  } catch (error) {
    throw new BackupError(`${file} cannot be read (${(error as Error).message}). Name a backup's file.`, {
      cause: error,
    });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
