import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryDirectory } from '../../../../../test/support/temporary.ts';
import { ClaudeProgram } from './claude-program.ts';

/** Starts a shell in the program's place. */
function start(script: string) {
  const program = new ClaudeProgram();
  const child = program.start({
    command: 'sh',
    args: ['-c', script],
    cwd: temporaryDirectory(),
    env: { PATH: process.env.PATH },
    signal: new AbortController().signal,
  });
  onTestFinished(() => program.end());
  return { program, child };
}

/** Whether a process runs; one that ended and that nobody has asked after yet does not. */
async function runs(pid: number): Promise<boolean> {
  try {
    const stat = await readFile(join('/proc', String(pid), 'stat'), 'utf8');
    return !/\) Z /.test(stat);
  } catch {
    return false;
  }
}

async function firstLine(child: ReturnType<typeof start>['child']): Promise<string> {
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return line;
}

describe('Claude’s program', () => {
  it('ends when it is asked to', async () => {
    const { program, child } = start('echo up; exec sleep 600');
    await firstLine(child);
    await program.end();
    expect(child.exitCode ?? 'signal').toBe('signal');
  });

  it('is killed with all its processes when it ignores the request to end', async () => {
    const { program, child } = start('trap "" TERM; sleep 600 & echo $!; while :; do sleep 600; done');
    const started = Number(await firstLine(child));
    expect(await runs(started)).toBe(true);
    await program.end();
    await vi.waitFor(async () => expect(await runs(started)).toBe(false));
  });

  it('ends its processes when it ends by itself', async () => {
    const { child } = start('sleep 600 & echo $!');
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const started = Number(await firstLine(child));
    await exited;
    await vi.waitFor(async () => expect(await runs(started)).toBe(false));
  });

  it('keeps the end of its stderr', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { program, child } = start('echo "cannot run as root" >&2; echo up; exec sleep 600');
    await firstLine(child);
    await vi.waitFor(() => expect(program.stderrTail).toBe('cannot run as root\n'));
    expect(stderr).toHaveBeenCalledWith('cannot run as root\n');
    stderr.mockRestore();
  });

  it('may be ended although it was never started or is not installed', async () => {
    await new ClaudeProgram().end();
    const program = new ClaudeProgram();
    const { signal } = new AbortController();
    const child = program.start({ command: '/nonexistent', args: [], env: {}, signal });
    const error = await new Promise<Error>((resolve) => child.once('error', resolve));
    expect(error.message).toMatch(/ENOENT/);
    await program.end();
  });
});
