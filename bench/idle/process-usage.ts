import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CannotMeasure } from '../bench.ts';

/** What another process uses, as Linux tells it. */

const NANOSECONDS_PER_MS = 1e6;
const KIBIBYTES_PER_MEBIBYTE = 1_024;

/** @throws CannotMeasure where the system does not tell */
export async function requireProc(): Promise<void> {
  try {
    await access('/proc/self/task');
    await access('/proc/self/schedstat');
  } catch {
    throw new CannotMeasure('It reads /proc/PID/schedstat, which only Linux has. Run it on Linux');
  }
}

/** Milliseconds for which the threads of a process have run. Those that have ended are not counted. */
export async function cpuMs(pid: number): Promise<number> {
  const directory = `/proc/${pid}/task`;
  let nanoseconds = 0;
  // /proc/PID/stat counts in steps of 10 ms, more than an idle host uses in seconds.
  for (const thread of await readdir(directory)) {
    const [running = ''] = (await readFile(join(directory, thread, 'schedstat'), 'utf8')).split(' ');
    nanoseconds += Number(running);
  }
  return nanoseconds / NANOSECONDS_PER_MS;
}

/** The resident set of a process, shared pages included, in MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status does not tell the resident memory`);
  return Number(kibibytes) / KIBIBYTES_PER_MEBIBYTE;
}
