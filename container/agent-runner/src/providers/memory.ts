import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from '../../../../src/protocol/layout.ts';
import { EARLIER_MEMORY_FILE, MEMORY_FILE } from './system-text.ts';

/** A memory is read up to this many bytes: it is part of every request. */
const MAX_MEMORY_BYTES = 64 * 1024;
/** An earlier memory comes beside it: together they must fit into an argument of a program. */
const MAX_EARLIER_BYTES = 16 * 1024;

/** What is remembered; undefined where there is no memory, or an empty one. */
export interface Memory {
  /** Of this chat. */
  readonly group: string | undefined;
  /** Of all chats. */
  readonly global: string | undefined;
  /** What stands in `MEMORY.md` of either and not in the memory itself, each part with its path. */
  readonly earlier: string | undefined;
}

/** Reads the memories as they are now. Never rejects: a memory that cannot be read is named on stderr and left out. */
export async function readMemory(layout: Layout): Promise<Memory> {
  const [group, global] = await Promise.all([
    readMemoryFile(join(layout.group, MEMORY_FILE)),
    readMemoryFile(join(layout.global, MEMORY_FILE)),
  ]);
  const earlier = await Promise.all([
    readEarlier(join(layout.global, EARLIER_MEMORY_FILE), 'all chats', global),
    readEarlier(join(layout.group, EARLIER_MEMORY_FILE), 'this chat', group),
  ]);
  const parts = earlier.filter((part) => part !== undefined);
  return { group, global, earlier: parts.length === 0 ? undefined : parts.join('\n\n') };
}

/** @param of whose memory it is, in words. @param memory what the agent knows of it already */
async function readEarlier(
  path: string,
  of: string,
  memory: string | undefined,
): Promise<string | undefined> {
  const text = (await readMemoryFile(path, MAX_EARLIER_BYTES))?.trim();
  if (text === undefined || memory?.includes(text) === true) return undefined;
  return `# More of the memory of ${of} (${path})\n\n${text}`;
}

async function readMemoryFile(path: string, maxBytes = MAX_MEMORY_BYTES): Promise<string | undefined> {
  try {
    const text = await readCapped(path, maxBytes);
    return text.trim() === '' ? undefined : text;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      process.stderr.write(`the memory ${path} is left out: ${message}\n`);
    }
    return undefined;
  }
}

/** @throws the system's error, and an Error when it is no plain file: a link could show what is not a memory. */
async function readCapped(path: string, maxBytes: number): Promise<string> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error('it is no plain file');
    const buffer = Buffer.alloc(Math.min(found.size, maxBytes));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    const rest = found.size - length;
    const text = wholeCharacters(buffer.subarray(0, length));
    return rest > 0 ? `${text}\n[… ${rest} more bytes: shorten this file]` : text;
  } finally {
    await file.close();
  }
}

/** Text up to the last whole character: the cap may fall into the middle of one. */
function wholeCharacters(bytes: Buffer): string {
  return new TextDecoder('utf-8').decode(bytes, { stream: true });
}
