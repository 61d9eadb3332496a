import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { codeOf } from '../machine-trouble.ts';

/** What a claimed file holds. `unsettled`: it may still be being written; `signature` changes when the file does. */
export type FileContent =
  | { readonly kind: 'text'; readonly text: string; readonly signature: string }
  | { readonly kind: 'unsettled'; readonly reason: string; readonly signature: string }
  | { readonly kind: 'bad'; readonly reason: string }
  | { readonly kind: 'gone' };

const bad = (reason: string): FileContent => ({ kind: 'bad', reason });

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a directory';
  if (found.isSymbolicLink()) return 'a link';
  if (found.isFIFO()) return 'a pipe';
  if (found.isSocket()) return 'a socket';
  return found.isFile() ? 'a file' : 'a device';
}

/** Why it is no plain file of a fair size, or undefined. @param cap bytes */
export function objectionTo(found: Stats, cap: number): string | undefined {
  if (!found.isFile()) return `is not a plain file but ${kindOf(found)}`;
  if (found.nlink !== 1) return 'has a second name (a hard link)';
  if (found.size > cap) return `is larger than ${cap} bytes`;
  return undefined;
}

/** Errors by which opening says that this is nothing to be read; others are conditions of the machine. */
const UNREADABLE: ReadonlySet<string> = new Set(['ELOOP', 'EMLINK', 'ENXIO', 'EACCES', 'EPERM', 'EISDIR']);

/**
 * Reads a file whose name nobody else can change but whose content, type and size are hostile. Nothing but a plain file
 * is opened at all: merely opening a device can act. A sandbox may still hold it open and write, so no more than the cap
 * is ever read, whatever the size was.
 * @param cap bytes
 * @throws the system's error when the machine, not the file, is the cause
 */
export async function readPlainFile(path: string, cap: number): Promise<FileContent> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
  let file: FileHandle;
  try {
    const seen = objectionTo(await lstat(path), cap);
    if (seen !== undefined) return bad(seen);
    file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return { kind: 'gone' };
    if (UNREADABLE.has(code)) return bad(`cannot be read (${code})`);
    throw error;
  }
  try {
    const opened = await file.stat();
    const seen = objectionTo(opened, cap);
    if (seen !== undefined) return bad(seen);
    const bytes = await readUpTo(file, opened.size, cap);
    if (bytes === undefined) return bad(`is larger than ${cap} bytes`);
    const signature = `${bytes.length}:${opened.size}:${opened.mtimeMs}`;
    const text = decode(bytes);
    if (text === undefined) return { kind: 'unsettled', reason: 'is not UTF-8 text', signature };
    return { kind: 'text', text, signature };
  } finally {
    await file.close();
  }
}

/** @returns undefined when there is more than the cap */
async function readUpTo(file: FileHandle, size: number, cap: number): Promise<Buffer | undefined> {
  const buffer = Buffer.alloc(Math.min(size, cap) + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  // It grew past the size that it had a moment ago: what is here is a part, and is looked at again.
  return length > cap ? undefined : buffer;
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
