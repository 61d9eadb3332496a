import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { type GateScriptLimits, runGateScript } from './gate-script.ts';

const run = (script: string | undefined, limits: Partial<GateScriptLimits> = {}, directory?: string) =>
  runGateScript(
    { prompt: 'do it', ...(script === undefined ? {} : { script }) },
    directory ?? temporaryDirectory(),
    { stop: new AbortController().signal, ...limits },
  );

/** Whether a process runs that the script has told by a file. One that ended and was not waited for does not. */
async function runs(directory: string, file: string): Promise<boolean> {
  const pid = (await readFile(join(directory, file), 'utf8')).trim();
  const state = await promisify(execFile)('ps', ['-o', 'stat=', '-p', pid]).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  );
  return state !== '' && !state.startsWith('Z');
}

describe('a task’s gate script', () => {
  it('decides whether the agent runs, and passes its findings on', async () => {
    expect(await run(undefined)).toBe('do it');
    expect(await run('echo noise; echo \'{"wakeAgent":false}\'')).toBeUndefined();
    expect(await run('echo \'{"wakeAgent":true}\'')).toBe('do it');
    expect(await run('echo \'{"wakeAgent":true,"data":{"n":1}}\'')).toBe(
      'do it\n\nData from the task\'s script:\n{"n":1}',
    );
  });

  it('passes no half of a character on', async () => {
    expect(await run(`printf '%s' '{"wakeAgent":true,"data":"\\ud83d"}'`)).toMatch(/"\ufffd"$/);
  });

  it('has findings that are too long for a prompt cut', async () => {
    const script = `node -e 'console.log(JSON.stringify({ wakeAgent: true, data: "x".repeat(300000) }))'`;
    const prompt = (await run(script)) ?? '';
    expect(prompt.length).toBeLessThan(101_000);
    expect(prompt).toMatch(/x… \[cut: 200002 more characters\]$/);
  });

  it.each([
    ['exit 3', /ended with code 3/],
    ['echo hello', /must end with a line of JSON/],
    ['echo \'{"wake":1}\'', /last line of the task's script must be/],
    ['true', /must end with a line of JSON/],
  ])('a gate script that goes wrong (%s) fails the turn', async (script, message) => {
    await expect(run(script)).rejects.toThrow(message);
  });

  it('may still be writing when it ends', async () => {
    expect(await run('(sleep 0.1; echo \'{"wakeAgent":false}\') &')).toBeUndefined();
  });

  it('is ended with its processes when it takes too long, and the error says so', async () => {
    const directory = temporaryDirectory();
    const ended = run('echo $$ > shell; sleep 999 & echo $! > child; wait', { timeoutMs: 2_000 }, directory);
    await expect(ended).rejects.toThrow("The task's script took longer than 2 s, so it was ended");
    for (const file of ['shell', 'child']) await expect.poll(() => runs(directory, file)).toBe(false);
  });

  it('is killed when it takes too long and ignores the request to end', async () => {
    const directory = temporaryDirectory();
    const script = 'trap "" TERM; echo $$ > shell; sleep 999; sleep 999';
    await expect(run(script, { timeoutMs: 2_000 }, directory)).rejects.toThrow(/took longer than 2 s/);
    await expect.poll(() => runs(directory, 'shell')).toBe(false);
  });

  it('is not waited for when a process that it left running holds its output', async () => {
    const directory = temporaryDirectory();
    const ended = run('sleep 999 & echo $! > left; echo \'{"wakeAgent":true}\'', {}, directory);
    expect(await ended).toBe('do it');
    await expect.poll(() => runs(directory, 'left')).toBe(false);
  });

  it('ends when the turn is to end', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 200);
    await expect(run('sleep 999', { stop: stop.signal })).rejects.toThrow(/was stopped/);
    await expect(run('sleep 999', { stop: AbortSignal.abort() })).rejects.toThrow(/was stopped/);
  });
});
