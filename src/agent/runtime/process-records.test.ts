import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { ProcessRecords } from './process-records.ts';

it('a process that cannot be recorded is ended: nobody would find it', async () => {
  const directory = temporaryDirectory();
  await mkdir(join(directory, 'one.sandbox.json'));
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  await expect(new ProcessRecords(directory).add('one', child.pid ?? 0)).rejects.toThrow(/EISDIR/);
  expect(await exited).toEqual([null, 'SIGKILL']);
  expect(await readdir(directory)).toEqual(['one.sandbox.json']);
});
