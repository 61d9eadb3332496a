import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { holdOutput } from './held-output.ts';

it('the output of a child process before anybody listens can still be read after its end', async () => {
  const child = spawn('sh', ['-c', 'echo out; echo err >&2'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const letGo = holdOutput(child);
  await once(child, 'exit');
  // Node throws away what nobody reads right after the exit.
  await setImmediate();
  letGo();
  expect(await Promise.all([text(child.stdout), text(child.stderr)])).toEqual(['out\n', 'err\n']);
});

it('a reader that listens to events gets the held output too', async () => {
  const child = spawn('sh', ['-c', 'echo out'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const letGo = holdOutput(child);
  await once(child, 'exit');
  letGo();
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  child.stderr.resume();
  await once(child, 'close');
  expect(said).toBe('out\n');
});
