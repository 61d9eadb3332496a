import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { processStart, signal } from './process-identity.ts';
import { ProcessRecords } from './process-records.ts';

it('a process that cannot be recorded is ended, because no later start would find it', async () => {
  const directory = temporaryDirectory();
  await mkdir(join(directory, 'one.sandbox.json'));
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  await expect(new ProcessRecords(directory).add('one', child.pid ?? 0)).rejects.toThrow(/EISDIR/);
  expect(await exited).toEqual([null, 'SIGKILL']);
  expect(await readdir(directory)).toEqual(['one.sandbox.json']);
});

it('a killed sandbox counts as dead only when the processes that it started in another session have died too', async () => {
  const directory = temporaryDirectory();
  // Much memory to give back: that takes a while.
  const hoard = `Buffer.alloc(3e8, 1); setInterval(() => {}, 1e3)`;
  const program = `
    const { spawn } = require('node:child_process');
    const own = spawn(process.execPath, ['-e', 'const a = ${hoard}; console.log("up")'], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    own.stdout.once('data', () => console.log(own.pid));
    const a = ${hoard};`;
  const child = spawn(process.execPath, ['-e', program], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const pids = [child.pid ?? 0, Number(line.toString())];
  onTestFinished(() => {
    for (const pid of pids) signal(pid, 'SIGKILL');
  });
  const records = new ProcessRecords(directory);
  await records.add('one', child.pid ?? 0);
  expect(await Promise.all(pids.map(processStart))).not.toContain(undefined);
  await records.kill('one');
  expect(await Promise.all(pids.map(processStart))).toEqual([undefined, undefined]);
});
