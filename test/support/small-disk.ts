import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { sharedDirectory } from './sandbox.ts';

const MEGABYTE = 1024 * 1024;

/** Root may mount for itself; anybody else becomes root of a user namespace to do so. */
const AS_ROOT = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];

/** Whether a process may have a file system of its own here. */
export function canMount(): boolean {
  try {
    execFileSync('unshare', [...AS_ROOT, '--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

/** A disk in memory of a few megabytes, which only processes see that are started by `wrap`. */
export class SmallDisk {
  /** Where it is mounted for those. */
  readonly directory: string;
  readonly #keeper: ChildProcess;
  readonly #entered: readonly string[];

  private constructor(directory: string, keeper: ChildProcess) {
    this.directory = directory;
    this.#keeper = keeper;
    const user = AS_ROOT.length === 0 ? [] : ['--user', '--preserve-credentials'];
    this.#entered = ['nsenter', '--target', String(keeper.pid), ...user, '--mount'];
  }

  /** Unmounted when the test has ended. */
  static async mount(megabytes: number): Promise<SmallDisk> {
    const directory = sharedDirectory();
    const mount = `mount -t tmpfs -o size=${megabytes * MEGABYTE},mode=755 none ${directory}`;
    // It ends with this process: its stdin closes.
    const script = `${mount} && echo mounted && exec cat`;
    const keeper = spawn('unshare', [...AS_ROOT, '--mount', 'sh', '-c', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(async () => {
      keeper.stdin.end();
      if (keeper.exitCode === null) await once(keeper, 'exit');
    });
    await Promise.race([
      once(keeper.stdout, 'data'),
      once(keeper, 'exit').then(() => Promise.reject(new Error('no disk can be mounted here'))),
    ]);
    return new SmallDisk(directory, keeper);
  }

  /** The words before a command that is to see the disk, as the user of the tests. */
  get wrapper(): readonly string[] {
    const uid = process.getuid?.() ?? 0;
    const asUser =
      AS_ROOT.length === 0
        ? []
        : ['unshare', '--user', `--map-user=${uid}`, `--map-group=${process.getgid?.() ?? 0}`];
    // Entering leaves the working directory.
    return [...this.#entered, ...asUser, 'sh', '-c', `cd '${process.cwd()}' && exec "$@"`, 'sh'];
  }

  /** Runs a command that sees the disk, to its end. @returns what it said, whatever its exit code */
  async run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const [program = '', ...args] = [...this.wrapper, ...command];
    try {
      const { stdout } = await promisify(execFile)(program, args, { env: { ...process.env, ...env } });
      return stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string };
      return `${stdout ?? ''}${stderr ?? ''}`;
    }
  }

  /** Asks a database on it. SQLite follows the links of `/proc` by itself, and would find another file. */
  query(file: string, sql: string): unknown {
    const script = `
      const [file, sql] = process.argv.slice(1);
      const database = new (require('better-sqlite3'))(file, { readonly: true });
      process.stdout.write(JSON.stringify(database.prepare(sql).all()));`;
    const [program = '', ...args] = [...this.wrapper, process.execPath, '-e', script];
    return JSON.parse(
      execFileSync(program, [...args, join(this.directory, file), sql], { encoding: 'utf8' }),
    );
  }

  /** The path under which the tests see what is on it. */
  path(...names: readonly string[]): string {
    return join('/proc', String(this.#keeper.pid), 'root', this.directory, ...names);
  }

  /** Fills it to the last byte. */
  fill(): void {
    const file = openSync(this.path('ballast'), 'a');
    try {
      for (let size = MEGABYTE; size >= 1; size = Math.floor(size / 2)) {
        for (;;) {
          try {
            writeSync(file, Buffer.alloc(size));
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
            break;
          }
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** Makes room again. */
  free(): void {
    rmSync(this.path('ballast'));
  }

  /** Makes it read-only or writable; only while nothing on it is open for writing. */
  async remount(how: 'ro' | 'rw'): Promise<void> {
    const [program = '', ...args] = [...this.#entered, 'mount', '-o', `remount,${how}`, this.directory];
    await promisify(execFile)(program, args);
  }
}
