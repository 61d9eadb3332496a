import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  chooseTestRuntime,
  PACKAGE_ROOT,
  sharedDirectory,
  testAgent,
} from '../../../test/support/sandbox.ts';
import { rememberingLog, silentLog } from '../../../test/support/silent-log.ts';
import { pathsAt } from '../../paths.ts';
import { chooseRuntime } from './choose.ts';
import { tryScope } from './scope.ts';
import { scopeArguments } from './scope-arguments.ts';

describe('the arguments of a scope', () => {
  it('ask the user’s own systemd for the engines’ limits, under the sandbox’s name', () => {
    expect(scopeArguments(undefined, 'nanoclaw-1-family-2', ['bwrap', '--', 'node'])).toEqual([
      ...['--user', '--scope', '--unit', 'nanoclaw-1-family-2', '--quiet', '--collect'],
      ...['--property', 'MemoryMax=2G', '--property', 'TasksMax=512'],
      ...['--', 'bwrap', '--', 'node'],
    ]);
  });

  it('ask root’s systemd, and switch to the sandbox’s user by numeric ids only afterwards', () => {
    const args = scopeArguments({ uid: 1000, gid: 1000 }, 'x', ['bwrap']);
    expect(args).not.toContain('--user');
    expect(args.slice(args.indexOf('--') + 1)).toEqual([
      ...['/usr/bin/setpriv', '--reuid', '1000', '--regid', '1000', '--clear-groups', '--', 'bwrap'],
    ]);
  });
});

/**
 * A systemd-run that is none: it notes what it is asked, and becomes the command as the real one does.
 * @param trial what it does in the place of a trial of the limits
 */
async function standIn(trial: string) {
  const directory = sharedDirectory();
  const asked = join(directory, 'asked');
  const program = join(directory, 'systemd-run');
  const lines = [
    '#!/bin/sh',
    `echo "$* XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR key=$ANTHROPIC_API_KEY" >>${asked}`,
    `case "$*" in *memory.max*) ${trial};; esac`,
    'while [ "$1" != -- ]; do shift; done',
    'shift',
    'exec "$@"',
  ];
  await writeFile(program, `${lines.join('\n')}\n`);
  await chmod(program, 0o755);
  const environment = {
    ...process.env,
    PATH: `${directory}:${process.env.PATH}`,
    XDG_RUNTIME_DIR: '/run/user/1000',
    ANTHROPIC_API_KEY: 'sk-canary',
  };
  return { environment, asked: () => readFile(asked, 'utf8') };
}

const WORKS = 'echo 2147483648; exit 0';

describe('the check for systemd scopes', () => {
  it.each([
    [WORKS, undefined],
    ['echo max; exit 0', 'systemd was given no control group of memory, version 2'],
    ['exit 0', 'systemd was given no control group of memory, version 2'],
    [
      'echo "System has not been booted with systemd as init system (PID 1)." >&2; exit 1',
      'System has not been booted with systemd as init system (PID 1).',
    ],
    ['exit 1', 'systemd does not answer'],
  ])('runs a systemd-run that does %j and returns: %s', async (trial, reason) => {
    const { environment } = await standIn(trial);
    expect(await tryScope({ owner: undefined, environment, spawn })).toBe(reason);
  });

  it('reports a missing systemd, and passes no key to an installed one', async () => {
    const nowhere = { owner: undefined, environment: { PATH: '/nonexistent' }, spawn };
    expect(await tryScope(nowhere)).toBe('there is no systemd');
    const { environment, asked } = await standIn(WORKS);
    await tryScope({ owner: undefined, environment, spawn });
    expect(await asked()).toMatch(/XDG_RUNTIME_DIR=\/run\/user\/1000 key=\n$/);
  });
});

// Only asks which sandbox there is: nothing is run in this root.
const request = { paths: pathsAt(tmpdir()), installId: 'none', log: silentLog };
const sandbox = (await chooseTestRuntime(request)).kind;

// Elsewhere the tests have no sandbox, and say so.
describe.runIf(sandbox === 'bubblewrap')('a bubblewrap sandbox in a scope', () => {
  const agentIn = (environment: NodeJS.ProcessEnv, paths = pathsAt(sharedDirectory(), sharedDirectory())) =>
    testAgent({
      ...{ paths, timings: { minDeadlineAfterIdleMs: 0 } },
      runtime: (options) =>
        chooseRuntime({
          ...{ ...options, environment, requested: 'bubblewrap', provider: 'offline', image: 'none' },
          packageRoot: PACKAGE_ROOT,
        }),
    });

  it('answers, and gives no warning about memory', async () => {
    const { environment, asked } = await standIn(WORKS);
    const agent = await agentIn(environment);
    expect(agent.runtime.description).toBe('bubblewrap (no network)');
    expect(agent.runtime.shortcomings).toEqual([]);
    const { outcome, results } = await agent.turn('@Andy ping');
    expect(results).toEqual(['pong']);
    expect(outcome).toMatchObject({ reason: 'exited', exitCode: 0 });
    expect(await asked()).toMatch(/--unit nanoclaw-[0-9a-f]{8}-family-\w+ .*MemoryMax=2G .*-- (\S+ )*bwrap /);
    expect(await agent.runtime.listOwn()).toEqual([]);
  });

  it.each([
    ['hang', 2_000, /timeout/],
    ['hang on', 2_000, /timeout/],
    ['crash', 60_000, /exited/],
  ])('ends like any other sandbox when its agent is asked to %s', async (fault, timeout, reason) => {
    const { environment } = await standIn(WORKS);
    const agent = await agentIn(environment);
    const { outcome } = await agent.turn(`@Andy ${fault}`, { containerConfig: { timeout } });
    expect(outcome.reason).toMatch(reason);
    expect(await agent.runtime.listOwn()).toEqual([]);
  });

  it('dies with the host, or is found by its record when it had not started yet', async () => {
    const root = sharedDirectory();
    const paths = pathsAt(root, root);
    await mkdir(paths.groups);
    await mkdir(paths.data);
    const { environment } = await standIn(WORKS);
    // Does not answer.
    const slow = await standIn(`${WORKS};; *) sleep 600`);
    for (const { env, isSlow } of [
      { env: environment, isSlow: false },
      { env: slow.environment, isSlow: true },
    ]) {
      const script = join(PACKAGE_ROOT, 'test', 'support', 'lonely-host.ts');
      const host = spawn(process.execPath, ['--import', 'tsx', script, root, PACKAGE_ROOT, 'bubblewrap'], {
        ...{ cwd: PACKAGE_ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] },
      });
      onTestFinished(() => void host.kill('SIGKILL'));
      await once(host.stdout ?? host, 'data');
      const agent = await agentIn(env, paths);
      expect(await agent.runtime.listOwn()).toHaveLength(1);
      host.kill('SIGKILL');
      await once(host, 'exit');
      if (isSlow) expect(await agent.runner.removeOrphans()).toBe(1);
      await expect.poll(() => agent.runtime.listOwn(), { timeout: 10_000 }).toEqual([]);
    }
  });

  it('may be tried again when systemd refused it', async () => {
    const { environment } = await standIn(
      `${WORKS};; *) echo "Failed to start transient scope unit: Connection reset by peer" >&2; exit 1`,
    );
    const { outcome } = await (await agentIn(environment)).turn('@Andy ping');
    expect(outcome).toMatchObject({ reason: 'start_failed', retryable: true });
    expect(outcome.error).toContain('Failed to start transient scope unit');
  });

  it('falls back to no scope: the description, the log and the doctor say so', async () => {
    const { environment, asked } = await standIn('exit 1');
    const { log, lines } = rememberingLog();
    const runtime = await chooseRuntime({
      ...{ ...request, environment, log, requested: 'bubblewrap', provider: 'offline', image: 'none' },
      packageRoot: PACKAGE_ROOT,
    });
    expect(runtime.description).toBe('bubblewrap (no network, memory not limited)');
    expect(runtime.shortcomings).toEqual([
      {
        what: expect.stringMatching(/not the memory of a sandbox as a whole \(systemd does not answer\)/),
        cure: expect.stringMatching(/systemd.*Docker or Podman/),
      },
    ]);
    expect(lines).toContainEqual(expect.objectContaining({ msg: runtime.shortcomings[0]?.what }));
    expect(await asked()).not.toMatch(/bwrap/);
  });
});
