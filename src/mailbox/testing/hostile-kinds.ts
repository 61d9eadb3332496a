import { execFile } from 'node:child_process';
import { link, mkdir, rename, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Where something hostile is to lie, and what it is made of. */
export interface Place {
  readonly path: string;
  /** A directory for what lies behind it. */
  readonly scratch: string;
  /** The content of a file that would be taken. */
  readonly sound: string;
}

/** What a container may put in a mailbox file's place: for the tests and the bench. */
export interface HostileKind {
  readonly name: string;
  readonly make: (place: Place) => Promise<unknown>;
  /** Part of what the quarantine says of it. */
  readonly reason: string;
}

/** The largest file that a mailbox takes. */
const MOST_BYTES = 1024 * 1024;
export const GIGABYTE = 1_000_000_000;

/** Promise by promise: link, hard link, pipe, directory, size, emptiness, bad UTF-8, nesting, keys. */
export const HOSTILE_KINDS: readonly HostileKind[] = [
  {
    name: 'a link to a host file that holds a message',
    make: async ({ path, scratch, sound }) => {
      await writeFile(join(scratch, 'host-file'), sound);
      await symlink(join(scratch, 'host-file'), path);
    },
    reason: 'is not a plain file but a link',
  },
  {
    name: 'a link to an endless device',
    make: ({ path }) => symlink('/dev/zero', path),
    reason: 'a link',
  },
  { name: 'a link to nothing', make: ({ path }) => symlink('/nowhere', path), reason: 'a link' },
  {
    name: 'a hard link to a host file that holds a message',
    make: async ({ path, scratch, sound }) => {
      await writeFile(join(scratch, 'host-file'), sound);
      await link(join(scratch, 'host-file'), path);
    },
    reason: 'a hard link',
  },
  { name: 'a pipe', make: ({ path }) => promisify(execFile)('mkfifo', [path]), reason: 'a pipe' },
  { name: 'a socket', make: makeSocket, reason: 'a socket' },
  { name: 'an empty directory', make: ({ path }) => mkdir(path), reason: 'a directory' },
  {
    name: 'a directory with something in it',
    make: async ({ path, sound }) => {
      await mkdir(path);
      await writeFile(join(path, 'inner.json'), sound);
    },
    reason: 'a directory',
  },
  { name: 'an empty file', make: ({ path }) => writeFile(path, ''), reason: 'is empty' },
  {
    name: 'bad UTF-8',
    make: ({ path, sound }) =>
      writeFile(path, Buffer.concat([Buffer.from(sound.slice(0, -2)), Buffer.from([0xff, 0x22, 0x7d])])),
    reason: 'is not UTF-8',
  },
  {
    name: 'a megabyte of brackets',
    make: ({ path }) => writeFile(path, '['.repeat(MOST_BYTES)),
    reason: 'nested deeper',
  },
  {
    name: 'a key named __proto__',
    make: ({ path, sound }) => writeFile(path, `{"__proto__":${sound},"type":"message"}`),
    reason: '__proto__',
  },
  {
    name: 'one byte more than a file may have',
    make: ({ path, sound }) => writeFile(path, sound.padEnd(MOST_BYTES + 1)),
    reason: 'is larger than',
  },
  { name: 'no JSON at all', make: ({ path }) => writeFile(path, 'rm -rf /'), reason: 'is not JSON' },
];

/** A file of a gigabyte, most of it a hole. */
export async function makeGigabyte({ path, sound }: Place): Promise<void> {
  await writeFile(path, sound);
  await truncate(path, GIGABYTE);
}

/** The path may be longer than a socket's address: bound elsewhere, then moved; a server that closes leaves what was moved. */
async function makeSocket({ path, scratch }: Place): Promise<void> {
  const server = createServer();
  const short = join(scratch, 's');
  await new Promise<void>((resolve) => server.listen(short, resolve));
  await rename(short, path);
  await new Promise<void>((resolve) => void server.close(() => resolve()));
}
