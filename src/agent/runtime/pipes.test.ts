import { ChildProcess } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../test/support/sandbox.ts';
import { silentLog } from '../../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { pathsAt } from '../../paths.ts';
import { AppleContainer } from './apple-container.ts';
import { Bubblewrap } from './bubblewrap.ts';
import { runCommand } from './command.ts';
import { DOCKER } from './docker.ts';
import { dockerArguments } from './docker-arguments.ts';
import { Engine } from './engine.ts';
import { NotStartedError } from './pipes.ts';
import { PlainProcess } from './plain-process.ts';
import type { Runtime, SandboxSpec, Spawn } from './runtime.ts';

/** What Node's spawn gives where no more files can be opened: no pipes, and an error in the next tick. */
const spawn = (() => {
  const child = new ChildProcess();
  process.nextTick(() => child.emit('error', Object.assign(new Error('spawn x EMFILE'), { code: 'EMFILE' })));
  return child;
}) as unknown as Spawn;

const SPEC: SandboxSpec = {
  ...{ name: 'nanoclaw-1-family-2', runId: 'run-2', groupFolder: 'family', mounts: [] },
  ...{ timezone: 'UTC', network: 'none' as const },
};
// Nothing is written there: no sandbox comes to be.
const paths = pathsAt('/nonexistent', '/nonexistent');
const common = { spawn, paths, log: silentLog, environment: { PATH: '/usr/bin' }, searchPath: '/usr/bin' };
const runner = {
  ...{ runnerFile: `${PACKAGE_ROOT}/package.json`, nodePath: process.execPath, provider: 'offline' as const },
};
const engine = {
  install: '1',
  image: 'x',
  provider: 'offline' as const,
  seccompFile: '/x',
  hostUser: { uid: 1000, gid: 1000 },
};
const known = async () => ({
  ...{ version: '1', mapsUsers: false, shortcomings: [] },
  containerArguments: dockerArguments,
});

describe('a host that cannot open more files', () => {
  it.each<Runtime>([
    new Engine({ ...DOCKER, meet: known }, { ...common, ...engine }),
    new AppleContainer({ ...common, ...engine }),
    new Bubblewrap({ ...common, ...runner, packageRoot: PACKAGE_ROOT, hostUid: 1000 }),
  ])('gets no sandbox from $kind, and keeps running', async (runtime) => {
    await expect(runtime.start(SPEC)).rejects.toThrow(/EMFILE/);
  });

  it('can start a sandbox in a later try', async () => {
    const root = temporaryDirectory();
    const plain = new PlainProcess({ ...common, ...runner, paths: pathsAt(root, root) });
    const starting = plain.start(SPEC);
    await expect(starting).rejects.toThrow(NotStartedError);
    await expect(starting).rejects.toMatchObject({ retryable: true });
  });

  it('gets an error from a command', async () => {
    const running = runCommand('docker', ['version'], { spawn, timeoutMs: 1_000, env: {} });
    await expect(running).rejects.toThrow(/EMFILE/);
  });
});

describe('a command that says nothing', () => {
  /** What Node gives for a program that is ended by a signal. */
  const ending = (code: number | null, signal: NodeJS.Signals | null, killed: boolean): Spawn =>
    (() => {
      const child = new ChildProcess();
      const pipes = { stdout: new PassThrough(), stderr: new PassThrough() };
      Object.assign(child, pipes, { killed });
      process.nextTick(() => {
        child.emit('exit', code, signal);
        child.emit('close', code, signal);
      });
      return child;
    }) as unknown as Spawn;

  it.each([
    [
      'took longer than its limit',
      ending(null, 'SIGKILL', true),
      /does not answer: it took longer than \d+ s\. /,
    ],
    ['was killed', ending(null, 'SIGTERM', false), /does not answer: it was ended by SIGTERM\. /],
    ['failed', ending(1, null, false), /does not answer: exit code 1\. /],
  ])('has its reason named when it %s', async (_, spawn, words) => {
    const docker = new Engine(DOCKER, { ...common, ...engine, spawn });
    await expect(docker.start(SPEC)).rejects.toThrow(words);
  });
});
