import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../../../test/support/temporary.ts';
import { AgentProcess } from './agent-process.ts';
import { isAlive } from './is-alive.ts';

function shell(script: string): AgentProcess {
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
  return new AgentProcess({ file: '/bin/sh', args: ['-c', script], cwd: temporaryDirectory(), env });
}

async function firstLine(program: AgentProcess): Promise<string> {
  for await (const line of program.lines()) return line;
  throw new Error('it said nothing');
}

describe('an agent’s program', () => {
  it('gets stdin, and is read line by line to its end', async () => {
    const program = shell('cat; echo; echo end; exit 3');
    program.stdin.end('one\ntwo');
    const lines: string[] = [];
    for await (const line of program.lines()) lines.push(line);
    expect(lines).toEqual(['one', 'two', 'end']);
    expect(await program.ended).toEqual({ code: 3, signal: null });
  });

  it('keeps the end of its stderr', async () => {
    const program = shell('printf "%9000s\n" filler >&2; echo "the cause" >&2');
    await program.ended;
    expect(program.stderrTail.endsWith('the cause\n')).toBe(true);
    expect(program.stderrTail.length).toBeLessThanOrEqual(4_000);
  });

  it('keeps no half of a word of its stderr, which may be half a key', async () => {
    const program = shell('printf "%s %03980d the cause\\n" "the-key-$(printf %030d 0)" 0 >&2');
    await program.ended;
    expect(program.stderrTail).toMatch(/^0{3980} the cause\n$/);
  });

  it('is reported when it cannot be started', async () => {
    const program = new AgentProcess({ file: '/nowhere/agent', args: [], cwd: '/', env: {} });
    await expect(program.ended).rejects.toThrow(/ENOENT/);
    await program.end();
  });

  it('ends like any other when it ends before it has read its input', async () => {
    const program = shell('exec <&-; exit 0');
    program.stdin.end('x'.repeat(1_000_000));
    expect(await program.ended).toEqual({ code: 0, signal: null });
  });

  it('ends by SIGTERM where it handles that', async () => {
    const program = shell('trap "exit 7" INT; echo ready; while :; do sleep 0.05; done');
    await firstLine(program);
    await program.end();
    expect(await program.ended).toEqual({ code: 7, signal: null });
  });

  it('is killed where it ignores SIGTERM', async () => {
    const program = shell('trap "" INT; echo ready; while :; do sleep 0.05; done');
    await firstLine(program);
    await program.end('SIGINT', 50);
    expect(await program.ended).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('ends with the processes that it left running', async () => {
    const program = shell('sleep 600 >/dev/null 2>&1 & echo $!');
    const pid = Number(await firstLine(program));
    await program.ended;
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it('may be ended twice, and after its end', async () => {
    const program = shell('exec sleep 600');
    await Promise.all([program.end('SIGTERM'), program.end('SIGTERM')]);
    await program.end();
    expect(await program.ended).toEqual({ code: null, signal: 'SIGTERM' });
  });
});
