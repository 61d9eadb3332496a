import { readFileSync, statfsSync } from 'node:fs';

const MEMORY_DISK = '/dev/shm';
/** Files that are huge on paper are part of some tests. */
const ROOM_BYTES = 512 * 1024 * 1024;

/** @returns a directory on a disk in memory with room, from which programs may run, where there is one */
export function memoryDisk(): string | undefined {
  try {
    const mounted = readFileSync('/proc/mounts', 'utf8').match(/^\S+ \/dev\/shm tmpfs (\S+)/m)?.[1];
    const { bavail, bsize } = statfsSync(MEMORY_DISK);
    const isFit =
      mounted !== undefined && !mounted.split(',').includes('noexec') && bavail * bsize > ROOM_BYTES;
    return isFit ? MEMORY_DISK : undefined;
  } catch {
    return undefined;
  }
}
