import { mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { sharedDirectory, takeTurn, testAgent } from '../../test/support/sandbox.ts';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { encodeFrame, type OutputFrame } from '../protocol/turn.ts';
import type { RunningTurn } from './agent.ts';

async function runLogs(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).sort();
  return Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
}

describe('a turn', () => {
  it('is answered, with its session, and leaves a run log without the conversation', async () => {
    const agent = await testAgent();
    const { outcome, frames, results } = await agent.turn('@Andy ping');
    expect(outcome).toMatchObject({ reason: 'exited', exitCode: 0, frames: 2, error: undefined });
    expect(results).toEqual(['pong']);
    expect(frames[0]?.newSessionId).toMatch(/^[0-9a-f-]{36}$/);
    const logs = agent.paths.groupLogs('family');
    expect(await readdir(logs)).toEqual([outcome.logFile]);
    const log = await readFile(join(logs, outcome.logFile ?? ''), 'utf8');
    expect(log).toMatch(/Exit reason: exited\n.*\n.*\nDuration: \d+ ms\nPrompt length: 10 characters/);
    expect(log).toMatch(/ro \/workspace\/group\/logs <- /);
    expect(log).not.toMatch(/pong|@Andy/);
  });

  it('finds its agent and model in env-dir, where they can be read before the turn', async () => {
    const program = `
      import { readFileSync } from 'node:fs';
      const env = readFileSync('/workspace/env-dir/env', 'utf8');
      process.stdout.write(${JSON.stringify(encodeFrame({ status: 'success', result: 'HERE' }))}.replace('"HERE"', JSON.stringify(env)));
    `;
    const agent = await testAgent({ program });
    const { results } = await agent.turn('x', { model: 'model-1' });
    expect(results[0]).toMatch(/^AGENT_PROVIDER=offline\nAGENT_MODEL=model-1$/m);
  });

  it('resumes its session in another sandbox', async () => {
    const agent = await testAgent();
    const first = await agent.turn('@Andy echo hello');
    const sessionId = first.frames[0]?.newSessionId;
    const second = await agent.turn('@Andy what did I say before?', { sessionId });
    expect(second.results).toEqual(['Before this you said: “echo hello”']);
    expect(second.frames[0]?.newSessionId).toBe(sessionId);
  });

  it('goes on with a follow-up in the same sandbox, and ends when it is asked to', async () => {
    const agent = await testAgent({ settings: { idleTimeoutMs: 30_000 } });
    const results: string[] = [];
    let running: RunningTurn | undefined;
    let answered: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      answered = resolve;
    });
    running = await agent.runner.run(agent.request('@Andy ping'), async ({ result }) => {
      if (result == null) return;
      results.push(result);
      if (results.length === 1) answered();
      else await running?.finish();
    });
    await first;
    expect(await running.followUp('1.json', '@Andy echo still there')).toBe(true);
    expect(await running.done).toMatchObject({ reason: 'exited', exitCode: 0 });
    expect(results).toEqual(['pong', 'still there']);
    expect(await agent.runner.hasTaken('family', '1.json')).toBe(true);
  });

  it('gets a notice when its time is nearly up', async () => {
    const program = `
      import { existsSync } from 'node:fs';
      import { setTimeout } from 'node:timers/promises';
      while (!existsSync('/workspace/ipc/input/_wrap_up')) await setTimeout(20);
      process.stdout.write(${JSON.stringify(encodeFrame({ status: 'success', result: 'what I have' }))});
    `;
    const agent = await testAgent({ program, settings: { timeoutMs: 60_000 } });
    const results: OutputFrame['result'][] = [];
    // The last tenth of its time begins when the test says so, and does not end.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const running = await agent.runner.run(
      agent.request('x'),
      async ({ result }) => void results.push(result),
    );
    await vi.advanceTimersByTimeAsync(53_000);
    expect(await readdir(join(agent.paths.groupIpc('family'), 'input'))).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await running.done).toMatchObject({ reason: 'exited', exitCode: 0 });
    expect(results).toEqual(['what I have']);
  });

  it('starts a new session in place of one that its agent does not know', async () => {
    const agent = await testAgent();
    const { frames, results } = await agent.turn('@Andy ping', { sessionId: '../../../etc/passwd' });
    expect(results).toEqual(['pong']);
    expect(frames[0]?.newSessionId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('keeps its memory in its group, away from other groups', async () => {
    const agent = await testAgent();
    await agent.turn('@Andy remember that Ann likes tea');
    expect((await agent.turn('@Andy what do you remember?')).results).toEqual([
      'I remember:\n• Ann likes tea',
    ]);
    const other = await agent.turn('@Andy what do you remember?', {
      groupFolder: 'work',
      chatJid: 'work@g.us',
    });
    expect(other.results[0]).toMatch(/^I remember nothing/);
  });

  it('fails with the agent’s own error message', async () => {
    const agent = await testAgent();
    const { outcome, frames } = await agent.turn('@Andy fail');
    expect(outcome).toMatchObject({ reason: 'exited', exitCode: 1, frames: 2 });
    expect(frames[1]).toMatchObject({ status: 'error', error: 'I was asked to fail', errorKind: 'other' });
  });

  it('passes frames on one at a time and in order', async () => {
    const frame = (n: number) => encodeFrame({ status: 'success', result: String(n) });
    const agent = await testAgent({
      program: `process.stdout.write(${JSON.stringify([0, 1, 2, 3, 4].map(frame).join(''))})`,
    });
    const seen: string[] = [];
    let atOnce = 0;
    const running = await agent.runner.run(agent.request('x'), async ({ result }) => {
      atOnce += 1;
      expect(atOnce).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      seen.push(result ?? '');
    });
    expect(await running.done).toMatchObject({ reason: 'exited', frames: 5 });
    expect(seen).toEqual(['0', '1', '2', '3', '4']);
  });
});

describe('an agent that misbehaves', () => {
  it('an agent that crashes ends the turn with its exit code', async () => {
    const { log, lines } = rememberingLog();
    const agent = await testAgent({ log });
    const { outcome } = await agent.turn('@Andy crash');
    expect(outcome).toMatchObject({
      reason: 'exited',
      exitCode: 70,
      frames: 0,
      error: 'exit code 70',
      retryable: true,
    });
    expect(lines.map(({ msg }) => msg)).toContain('Container exited with code 70');
  });

  it.each([
    [
      'the error that it reported',
      `process.stdout.write(${JSON.stringify(encodeFrame({ status: 'error', error: 'no credit' }))}); process.exitCode = 1; console.error('x')`,
      'no credit',
    ],
    ['the error before its stack', "throw new Error('boom')", 'exit code 1: Error: boom'],
  ])('an agent that fails has as the cause in its run log’s header: %s', async (_, program, cause) => {
    const agent = await testAgent({ program });
    await agent.turn('x');
    const [log] = await runLogs(agent.paths.groupLogs('family'));
    expect(log).toContain(`\nError: ${cause}\n`);
  });

  it('an agent that exits with 0 but without a frame fails the turn: the error says that there was no frame', async () => {
    const agent = await testAgent();
    const { outcome } = await agent.turn('@Andy vanish');
    expect(outcome).toMatchObject({ reason: 'exited', exitCode: 0, frames: 0 });
  });

  it('an agent that hangs is ended at its deadline', async () => {
    const { log, lines } = rememberingLog();
    const agent = await testAgent({ log, timings: { minDeadlineAfterIdleMs: 0 } });
    const { outcome } = await agent.turn('@Andy hang', { containerConfig: { timeout: 1_000 } });
    expect(outcome).toMatchObject({
      reason: 'timeout',
      error: 'it had not ended after 1 seconds',
      retryable: false,
    });
    expect(lines.map(({ msg }) => msg)).toContain('Container timeout');
    expect(await agent.runtime.listOwn()).toEqual([]);
  });

  it('an agent that ignores SIGTERM is killed by its sandbox’s name', async () => {
    const program = `
      process.on('SIGTERM', () => process.stderr.write('SIGTERM ignored\\n'));
      process.stdout.write(${JSON.stringify(encodeFrame({ status: 'success', result: 'deaf' }))});
      setInterval(() => {}, 1000);
    `;
    const agent = await testAgent({ program });
    let isDeaf: () => void = () => undefined;
    const deaf = new Promise<void>((resolve) => {
      isDeaf = resolve;
    });
    const running = await agent.runner.run(agent.request('x'), async () => isDeaf());
    await deaf;
    await running.stop();
    expect(await running.done).toMatchObject({ reason: 'stopped', frames: 1 });
    expect(await agent.runtime.listOwn()).toEqual([]);
    expect((await runLogs(agent.paths.groupLogs('family')))[0]).toContain('SIGTERM ignored');
  });

  it('an agent that floods a frame with 100 MB is ended, and the run log stays small', async () => {
    const agent = await testAgent();
    const { outcome } = await agent.turn('@Andy flood frame 100');
    expect(outcome).toMatchObject({ reason: 'bad_output', frames: 0 });
    expect(outcome.error).toMatch(/longer than 1048576 bytes/);
    expect((await runLogs(agent.paths.groupLogs('family')))[0]?.length).toBeLessThan(100_000);
  });

  it('an agent that reports errors of a megabyte again and again leaves only both ends of them everywhere', async () => {
    const frame = encodeFrame({ status: 'error', error: `first ${'x'.repeat(1_000_000)} last` });
    const program = `for (let n = 0; n < 20; n += 1) process.stdout.write(${JSON.stringify(frame)}); process.exitCode = 1;`;
    const { log, lines } = rememberingLog();
    const agent = await testAgent({ program, log });
    const { outcome, frames } = await agent.turn('x');
    expect(outcome).toMatchObject({ reason: 'exited', exitCode: 1, frames: 20 });
    expect(frames[19]?.error).toMatch(/^first x+\n\[… \d+ characters left out …\]\nx+ last$/);
    expect(frames[19]?.error?.length).toBeLessThan(2_100);
    expect((await runLogs(agent.paths.groupLogs('family')))[0]?.length).toBeLessThan(100_000);
    expect(JSON.stringify(lines).length).toBeLessThan(100_000);
  });

  it('an agent that reports a key in an error leaks no part of it, not even where the text is cut', async () => {
    const key = 'sk-canary-0123456789abcdef';
    const frame = encodeFrame({ status: 'error', error: `${'x'.repeat(990)}${key}${'y'.repeat(5_000)}` });
    const agent = await testAgent({
      program: `process.stdout.write(${JSON.stringify(frame)}); process.exitCode = 1;`,
      settings: { credentialsMode: 'mount' },
      credentials: {
        issue: async () => ({ env: { ANTHROPIC_API_KEY: key }, mounts: [], release: async () => undefined }),
      },
    });
    const { frames } = await agent.turn('x');
    const kept = JSON.stringify(frames) + (await runLogs(agent.paths.groupLogs('family'))).join();
    expect(kept).toContain('[redacted]');
    expect(kept).not.toContain('sk-canary');
  });

  it.each(['flood 100', 'flood lines 100'])(
    'an agent that writes %s outside frames still gives its answer',
    async (flood) => {
      const agent = await testAgent();
      const { outcome, results } = await agent.turn(`@Andy ${flood}`);
      expect(outcome).toMatchObject({ reason: 'exited', exitCode: 0 });
      expect(results).toEqual(['done']);
      expect((await runLogs(agent.paths.groupLogs('family')))[0]?.length).toBeLessThan(100_000);
    },
  );

  it('an agent that ends in the middle of a frame fails the turn with bad output', async () => {
    const agent = await testAgent();
    const { outcome } = await agent.turn('@Andy leave a frame open');
    expect(outcome).toMatchObject({ reason: 'bad_output', error: 'stdout ended in the middle of a frame' });
  });

  it.each([
    ['no JSON', 'nonsense'],
    ['not of the agreed form', '{"status":"maybe"}'],
  ])('an agent that writes a frame that is %s is ended', async (words, content) => {
    const frame = encodeFrame({ status: 'success' }).replace('{"status":"success"}', content);
    const program = `process.stdout.write(${JSON.stringify(frame)}); setInterval(() => {}, 1000)`;
    const agent = await testAgent({ program });
    const { outcome } = await agent.turn('x');
    expect(outcome.reason).toBe('bad_output');
    expect(outcome.error).toContain(words);
  });

  it('an agent that does not read its input does not fail the turn', async () => {
    const program = `process.stdin.destroy(); process.stdout.write(${JSON.stringify(encodeFrame({ status: 'success', result: 'ok' }))})`;
    const agent = await testAgent({ program });
    const { outcome, results } = await agent.turn('x'.repeat(1024 * 1024));
    expect(outcome).toMatchObject({ reason: 'exited', exitCode: 0 });
    expect(results).toEqual(['ok']);
  });

  it('an agent that leaves a process holding its pipes does not delay the end of the turn', async () => {
    const program = `import { spawn } from 'node:child_process';
      spawn('sleep', ['60'], { stdio: 'inherit', detached: true }).unref();
      process.stdout.write(${JSON.stringify(encodeFrame({ status: 'success', result: 'ok' }))});
      setTimeout(() => process.exit(0), 100);`;
    const agent = await testAgent({ program });
    const { outcome, results } = await agent.turn('x');
    expect(outcome).toMatchObject({ reason: 'exited', exitCode: 0 });
    expect(results).toEqual(['ok']);
  });
});

describe('the host', () => {
  it('ends a turn when it is asked to', async () => {
    const agent = await testAgent();
    const running = await agent.runner.run(agent.request('@Andy hang'), async () => undefined);
    await running.stop();
    await running.stop();
    expect(await running.done).toMatchObject({ reason: 'stopped' });
    await running.stop();
    expect(await agent.runtime.listOwn()).toEqual([]);
  });

  it('ends a turn whose frame it cannot handle, and says why', async () => {
    const agent = await testAgent();
    const running = await agent.runner.run(agent.request('@Andy ping'), async () => {
      throw new Error('the database is gone');
    });
    const outcome = await running.done;
    expect(outcome.reason).toBe('stopped');
    expect(outcome.error).toContain('the database is gone');
  });

  it('asks the agent to finish by a file, once, and not when it is too late', async () => {
    const program = `import { watch, existsSync } from 'node:fs';
      const root = process.env.NANOCLAW_WORKSPACE ?? '/workspace';
      const frame = (result) => process.stdout.write('---NANOCLAW_OUTPUT_START---\\n' + JSON.stringify({ status: 'success', result }) + '\\n---NANOCLAW_OUTPUT_END---\\n');
      const look = () => { if (existsSync(root + '/ipc/input/_close')) { frame('closed'); process.exit(0); } };
      watch(root + '/ipc/input', look); frame('answer'); look();`;
    const agent = await testAgent({ program });
    const results: OutputFrame['result'][] = [];
    const running = await agent.runner.run(agent.request('x'), async ({ result }) => {
      results.push(result);
    });
    await Promise.all([running.finish(), running.finish()]);
    expect(await running.done).toMatchObject({ reason: 'exited', exitCode: 0 });
    expect(results).toEqual(['answer', 'closed']);
    await running.finish();
    expect(await readdir(join(agent.paths.groupIpc('family'), 'input'))).toEqual(['_close']);
  });

  it('knows how long its sandbox has been quiet, from its output and its mailbox', async () => {
    const program = `import { watch, existsSync } from 'node:fs';
      const input = (process.env.NANOCLAW_WORKSPACE ?? '/workspace') + '/ipc/input';
      const look = () => { if (existsSync(input + '/go')) process.stderr.write('still here'); };
      watch(input, look);
      process.stdout.write(${JSON.stringify(encodeFrame({ status: 'success', result: 'ready' }))});`;
    const agent = await testAgent({ program });
    let ready: () => void = () => undefined;
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const running = await agent.runner.run(agent.request('x'), async () => ready());
    await isReady;
    const now = Date.now();
    const HOUR = 3_600_000;
    const FEW_MINUTES = 300_000;
    const ipc = agent.paths.groupIpc('family');
    vi.useFakeTimers({ toFake: ['Date'], now: now + HOUR });
    onTestFinished(() => void vi.useRealTimers());
    expect(await running.quietMs()).toBeGreaterThan(HOUR - FEW_MINUTES);
    await utimes(join(ipc, 'tasks'), new Date(now), new Date(now + HOUR));
    expect(await running.quietMs()).toBeLessThan(FEW_MINUTES);
    vi.setSystemTime(now + 2 * HOUR);
    expect(await running.quietMs()).toBeGreaterThan(HOUR - FEW_MINUTES);
    await writeFile(join(ipc, 'input', 'go'), '');
    await vi.waitFor(async () => expect(await running.quietMs()).toBeLessThan(FEW_MINUTES));
    await running.stop();
  });

  it('empties input/ before a start and follows no link in it', async () => {
    const agent = await testAgent();
    const outside = sharedDirectory();
    await writeFile(join(outside, 'precious'), 'kept');
    const input = join(agent.paths.groupIpc('family'), 'input');
    await mkdir(join(input, 'directory.json', 'deeper'), { recursive: true });
    await symlink(outside, join(input, 'link'));
    await symlink(join(outside, 'precious'), join(input, '_close'));
    await symlink(outside, join(input, 'directory.json', 'deeper', 'link'));
    await writeFile(join(input, '1-stale.json'), '{"type":"message","text":"@Andy echo stale"}');
    await writeFile(Buffer.concat([Buffer.from(`${input}/`), Buffer.from([0xff, 0xfe])]), '');
    const { results } = await agent.turn('@Andy ping');
    expect(results).toEqual(['pong']);
    expect(await readdir(input)).toEqual([]);
    expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('kept');
  });

  it('answers follow-ups that came while the agent worked, in the same session', async () => {
    const agent = await testAgent();
    const input = join(agent.paths.groupIpc('family'), 'input');
    const results: string[] = [];
    const running = await agent.runner.run(agent.request('@Andy sleep 3'), async ({ result }) => {
      if (result == null) {
        const file = { type: 'message', text: '@Andy what did I say before?' };
        if (results.length === 0) await writeFile(join(input, '1.json'), JSON.stringify(file));
      } else results.push(result);
    });
    await running.done;
    expect(results).toEqual(['I slept 3 seconds.', 'Before this you said: “sleep 3”']);
    expect(await readdir(input)).toEqual([]);
  });

  it('removes the run’s environment, sandbox or not', async () => {
    const agent = await testAgent();
    await agent.turn('@Andy crash');
    await agent.turn('@Andy ping');
    expect(await readdir(agent.paths.runEnv)).toEqual([]);
  });

  it('refuses to start where a link stands in a directory’s place, and the error names the fix', async () => {
    const agent = await testAgent();
    const outside = sharedDirectory();
    await mkdir(agent.paths.group('family'), { recursive: true });
    await symlink(outside, agent.paths.groupLogs('family'));
    const { outcome } = await agent.turn('@Andy ping');
    expect(outcome).toMatchObject({ reason: 'start_failed', retryable: false, frames: 0 });
    expect(outcome.error).toMatch(/family\/logs must be a directory and is a link\. Move it away: mv /);
    expect(await readdir(outside)).toEqual([]);
  });

  it('gives credentials to the run and takes them back when it has ended', async () => {
    const events: string[] = [];
    const agent = await testAgent({
      credentials: {
        issue: async ({ groupFolder, provider }) => {
          events.push(`issued to ${groupFolder} for ${provider}`);
          return { env: {}, mounts: [], release: async () => void events.push('released') };
        },
      },
    });
    await agent.turn('@Andy ping');
    await agent.turn('@Andy crash');
    expect(events).toEqual([
      'issued to family for offline',
      'released',
      'issued to family for offline',
      'released',
    ]);
  });

  it('writes no key into any log, whatever the agent says', async () => {
    const { log, lines } = rememberingLog();
    const key = 'sk-canary-0123456789abcdef';
    const agent = await testAgent({
      log,
      settings: { credentialsMode: 'mount' },
      credentials: {
        issue: async () => ({ env: { ANTHROPIC_API_KEY: key }, mounts: [], release: async () => undefined }),
      },
    });
    const { results } = await agent.turn('@Andy say secrets');
    expect(results).toEqual(['done']);
    const logs = (await runLogs(agent.paths.groupLogs('family'))).join();
    expect(logs).toContain('[redacted]');
    expect(logs).toContain('== Input ==');
    expect(logs + JSON.stringify(lines)).not.toContain(key);
  });

  it('runs two groups at once', async () => {
    const agent = await testAgent();
    const both = await Promise.all([
      agent.turn('@Andy echo one'),
      takeTurn(agent.runner, agent.request('@Andy echo two', { groupFolder: 'work' })),
    ]);
    expect(both.map(({ results }) => results)).toEqual([['one'], ['two']]);
  });
});
