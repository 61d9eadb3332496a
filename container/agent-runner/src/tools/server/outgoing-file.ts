import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import type { Layout } from '../../../../../src/protocol/layout.ts';
import { MAX_OUTGOING_FILE_BYTES } from '../../../../../src/protocol/mailbox.ts';

const MEBIBYTE = 1024 * 1024;

const CHUNK_BYTES = MEBIBYTE;
const SAFE_EXTENSION = /^\.[A-Za-z0-9]{1,10}$/;

/** A file that cannot be sent; the text is for the agent. */
export class UnsendableFile extends Error {
  constructor(path: string, why: string) {
    super(`${path} ${why}`);
    this.name = 'UnsendableFile';
  }
}

/** A copy in `files/`, where the host takes it from. */
export interface OutgoingFile {
  /** Its name in `files/`, which nothing of the original's name could spoil. */
  readonly leaf: string;
  /** What it was called. */
  readonly name: string;
  /** Takes the copy back: the host did not want it. */
  discard(): Promise<void>;
}

/**
 * Copies a file to where the host takes it from, whole or not at all.
 * @param path absolute, or below the group's folder
 * @throws UnsendableFile when it cannot be read, is no plain file, is empty or is too large
 * @throws the system's error when the copy cannot be written
 */
export async function prepareFile(layout: Layout, path: string, id: string): Promise<OutgoingFile> {
  const source = resolve(layout.group, path);
  const file = await openSource(source);
  try {
    const extension = extname(source);
    const leaf = `${id}${SAFE_EXTENSION.test(extension) ? extension.toLowerCase() : ''}`;
    const target = join(layout.files, leaf);
    const temporary = join(layout.files, `.${id}.tmp`);
    try {
      await copy(file, source, temporary);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    return { leaf, name: basename(source), discard: () => rm(target, { force: true }) };
  } finally {
    await file.close();
  }
}

async function openSource(path: string): Promise<FileHandle> {
  let file: FileHandle;
  try {
    // A pipe must not hold the tool up.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw new UnsendableFile(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const found = await file.stat();
  const objection = !found.isFile()
    ? 'is no plain file'
    : found.size === 0
      ? 'is empty'
      : found.size > MAX_OUTGOING_FILE_BYTES
        ? TOO_LARGE
        : undefined;
  if (objection === undefined) return file;
  await file.close();
  throw new UnsendableFile(path, objection);
}

const TOO_LARGE = `is larger than ${MAX_OUTGOING_FILE_BYTES / MEBIBYTE} MiB`;

/** Never more than the cap, even of a file that grows meanwhile. */
async function copy(from: FileHandle, source: string, to: string): Promise<void> {
  const target = await open(to, 'wx');
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (let length = 0; ; ) {
      const { bytesRead } = await from.read(buffer, 0, buffer.length, length);
      if (bytesRead === 0) return;
      length += bytesRead;
      if (length > MAX_OUTGOING_FILE_BYTES) throw new UnsendableFile(source, TOO_LARGE);
      await target.writeFile(buffer.subarray(0, bytesRead));
    }
  } finally {
    await target.close();
  }
}
