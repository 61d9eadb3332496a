import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** For tests: a process that ended and that nobody has waited for is gone all the same. */
export async function isAlive(pid: number): Promise<boolean> {
  const state = await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  );
  return state !== '' && !state.startsWith('Z');
}
