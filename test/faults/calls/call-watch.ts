import { execFile } from 'node:child_process';
import { closeSync, openSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What happens at a call; the numbers are those of `enum mode` in shim.c. */
const MODES = {
  /** SIGKILL instead of the call. */
  kill: 1,
  /** SIGKILL in the middle of a write; instead of any other call. */
  tear: 2,
  /** One write finds no space. Only writes count. */
  'no-space': 3,
  /** A write finds no space, nor do those that follow until there is room again. Only writes count. */
  full: 4,
  /** A call is refused as by a read-only disk, and so are those that follow until it is writable again. */
  'read-only': 5,
  /** A call fails, and so do those that follow until the disk is sound again. */
  broken: 6,
} as const;

export type Strike = keyof typeof MODES;
export const STRIKES = Object.keys(MODES) as readonly Strike[];

/** Where the watched calls stand. */
export interface Count {
  /** How many there were since the last order. */
  readonly calls: number;
  /** What was struck, as `pwrite store/messages.db-wal, 4096 bytes`. */
  readonly hit: string | undefined;
}

/** `struct control` of shim.c: mode, target, calls and hit, 32 bits each, and the text. */
const TARGET = 4;
const CALLS = 8;
const HIT = 12;
const WHAT = 16;
const SIZE = WHAT + 1_024;

const SOURCE = fileURLToPath(new URL('shim.c', import.meta.url));

/**
 * Counts the calls by which a host changes regular files below its root, its logs left out, across all its threads (rename, unlink, fsync,
 * fdatasync, write and their kin), and strikes at one. For Linux.
 */
export class CallWatch {
  /** What the host must be started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly #control: string;

  private constructor(directory: string, root: string) {
    this.#control = join(directory, 'calls');
    writeFileSync(this.#control, '');
    truncateSync(this.#control, SIZE);
    this.env = {
      LD_PRELOAD: join(directory, 'shim.so'),
      FAULTS_ROOT: root,
      FAULTS_CONTROL: this.#control,
      // What goes to the kernel by a ring is no call.
      UV_USE_IO_URING: '0',
    };
  }

  /**
   * Compiles what is loaded into the host.
   * @param directory where it is put, outside the root
   * @throws Error when there is no C compiler
   */
  static async build(directory: string, root: string): Promise<CallWatch> {
    const command = ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', join(directory, 'shim.so'), SOURCE];
    try {
      await promisify(execFile)('cc', command);
    } catch (error) {
      const cure = 'Is a C compiler installed (on Debian: apt-get install gcc libc6-dev)?';
      throw new Error(`shim.c cannot be compiled. ${cure}`, { cause: error });
    }
    return new CallWatch(directory, root);
  }

  /** From here on calls are counted anew. @param nth which one is struck, 1 the first */
  order(strike: Strike, nth: number): void {
    const order = Buffer.alloc(SIZE);
    order.writeUInt32LE(nth, TARGET);
    this.#write(order);
    // Last: a host that runs must not strike by the count of an earlier order.
    const mode = Buffer.alloc(4);
    mode.writeUInt32LE(MODES[strike]);
    this.#write(mode);
  }

  /** No call is struck any more. */
  stop(): void {
    this.#write(Buffer.alloc(4));
  }

  count(): Count {
    const control = Buffer.alloc(SIZE);
    const file = openSync(this.#control, 'r');
    try {
      readSync(file, control, 0, SIZE, 0);
    } finally {
      closeSync(file);
    }
    const [what = ''] = control.toString('utf8', WHAT).split('\0');
    return { calls: control.readUInt32LE(CALLS), hit: control.readUInt32LE(HIT) === 0 ? undefined : what };
  }

  #write(bytes: Buffer): void {
    const file = openSync(this.#control, 'r+');
    try {
      writeSync(file, bytes, 0, bytes.length, 0);
    } finally {
      closeSync(file);
    }
  }
}
