import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { runGateScript } from './gate-script.ts';

const run = (script: string | undefined) =>
  runGateScript({ prompt: 'do it', ...(script === undefined ? {} : { script }) }, temporaryDirectory());

describe('a task’s gate script', () => {
  it('lets the agent sleep, or wakes it, with what it found out', async () => {
    expect(await run(undefined)).toBe('do it');
    expect(await run('echo noise; echo \'{"wakeAgent":false}\'')).toBeUndefined();
    expect(await run('echo \'{"wakeAgent":true}\'')).toBe('do it');
    expect(await run('echo \'{"wakeAgent":true,"data":{"n":1}}\'')).toBe(
      'do it\n\nData from the task\'s script:\n{"n":1}',
    );
  });

  it.each([
    ['exit 3', /ended with code 3/],
    ['echo hello', /must end with a line of JSON/],
    ['echo \'{"wake":1}\'', /last line of the task's script must be/],
    ['true', /must end with a line of JSON/],
  ])('that goes wrong (%s) fails the turn', async (script, message) => {
    await expect(run(script)).rejects.toThrow(message);
  });
});
