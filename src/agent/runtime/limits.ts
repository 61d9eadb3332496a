/** What a sandbox may use of the machine, in the words of the container programs. */
export const LIMITS = {
  /** Processes and threads. */
  pids: 512,
  memory: '2g',
  /** The same, in bytes. */
  memoryBytes: 2 * 1024 ** 3,
  cpus: 2,
  /** Of each temporary place. */
  tmpfs: '512m',
  /** Of /dev/shm. */
  sharedMemory: '64m',
  openFiles: 4096,
} as const;
