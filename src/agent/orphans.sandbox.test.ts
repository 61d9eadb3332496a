import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PACKAGE_ROOT, sharedDirectory, testAgent } from '../../test/support/sandbox.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { pathsAt } from '../paths.ts';
import { removeOrphans } from './orphans.ts';
import { chooseRuntime } from './runtime/choose.ts';
import { processStart } from './runtime/process-identity.ts';
import { type Runtime, RuntimeUnavailableError } from './runtime/runtime.ts';

interface Host {
  readonly process: ChildProcess;
  readonly name: string;
}

async function startHost(root: string, kind: string): Promise<Host> {
  const script = join(PACKAGE_ROOT, 'test', 'support', 'lonely-host.ts');
  const host = spawn(process.execPath, ['--import', 'tsx', script, root, PACKAGE_ROOT, kind], {
    cwd: PACKAGE_ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void host.kill('SIGKILL'));
  const [line] = (await once(host.stdout, 'data')) as [Buffer];
  return { process: host, name: line.toString().trim() };
}

async function killHost(host: Host): Promise<void> {
  host.process.kill('SIGKILL');
  await once(host.process, 'exit');
}

/** Processes whose command line or environment holds a name. */
async function processesOf(name: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const texts = await Promise.all(
      ['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    if (texts.join().includes(name) && (await processStart(pid)) !== undefined) found.push(pid);
  }
  return found;
}

async function newRoot() {
  const root = sharedDirectory();
  const paths = pathsAt(root, root);
  await mkdir(paths.groups);
  await mkdir(paths.data);
  return { root, paths };
}

describe('the start after the host was killed', () => {
  it('removes all sandboxes of the killed host', async () => {
    const { root, paths } = await newRoot();
    const agent = await testAgent({ paths });
    const host = await startHost(root, agent.runtime.kind);
    expect(await processesOf(host.name)).not.toEqual([]);
    await killHost(host);
    await agent.runner.removeOrphans();
    await expect.poll(() => processesOf(host.name), { timeout: 10_000 }).toEqual([]);
    expect(await readdir(paths.runEnv)).toEqual([]);
    expect((await agent.turn('@Andy ping')).results).toEqual(['pong']);
  });

  it('finds a plain process by its record and ends it', async () => {
    const { root, paths } = await newRoot();
    const host = await startHost(root, 'plain-process');
    await killHost(host);
    expect(await processesOf(host.name)).toHaveLength(1);
    const agent = await testAgent({ paths, runtime: (options) => plainProcess(options) });
    expect(await agent.runner.removeOrphans()).toBe(1);
    await expect.poll(() => processesOf(host.name), { timeout: 10_000 }).toEqual([]);
    expect(await agent.runner.removeOrphans()).toBe(0);
  });

  it('leaves another install’s sandboxes alone', async () => {
    const mine = await newRoot();
    const theirs = await newRoot();
    const host = await startHost(theirs.root, 'plain-process');
    const agent = await testAgent({ paths: mine.paths, runtime: (options) => plainProcess(options) });
    expect(await agent.runner.removeOrphans()).toBe(0);
    expect(await processesOf(host.name)).toHaveLength(1);
    const owner = await testAgent({ paths: theirs.paths, runtime: (options) => plainProcess(options) });
    expect(await owner.runner.removeOrphans()).toBe(1);
  });

  it('ends sandboxes of another runtime too, and goes on when such a runtime does not work here', async () => {
    const { root, paths } = await newRoot();
    const host = await startHost(root, 'plain-process');
    await killHost(host);
    const agent = await testAgent({ paths });
    const plain = await plainProcess({ installId: agent.installId, paths, log: silentLog });
    const killed: string[] = [];
    const chosen: Runtime = {
      ...unusable(),
      listOwn: async () => [],
      kill: async (name) => void killed.push(name),
    };
    const others = [unusable(), plain, plain];
    expect(await removeOrphans(chosen, paths.runEnv, silentLog, others)).toBe(1);
    expect(killed).toEqual([]);
    await expect.poll(() => processesOf(host.name), { timeout: 10_000 }).toEqual([]);
    expect(await removeOrphans(chosen, paths.runEnv, silentLog, others)).toBe(0);
  });

  it('fails when the chosen runtime cannot list its sandboxes', async () => {
    const { paths } = await newRoot();
    await expect(removeOrphans(unusable(), paths.runEnv, silentLog)).rejects.toThrow(/no engine/);
  });

  it('leaves a process alone that got an orphan’s number, and ignores a torn record', async () => {
    const { paths } = await newRoot();
    const bystander = spawn('sleep', ['600'], { stdio: 'ignore' });
    onTestFinished(() => void bystander.kill('SIGKILL'));
    await once(bystander, 'spawn');
    await mkdir(paths.runEnv, { recursive: true });
    const record = (name: string, text: string) =>
      writeFile(join(paths.runEnv, `${name}.sandbox.json`), text);
    await record('a', JSON.stringify({ name: 'a', pid: bystander.pid, startTime: '1' }));
    await record('b', '{"name":"b","pi');
    await record('c', JSON.stringify({ name: 'c', pid: -1, startTime: '1' }));
    const agent = await testAgent({ paths, runtime: (options) => plainProcess(options) });
    expect(await agent.runner.removeOrphans()).toBe(0);
    expect(await readdir(paths.runEnv)).toEqual([]);
    expect(bystander.exitCode).toBeNull();
    expect(bystander.signalCode).toBeNull();
  });
});

/** A runtime whose engine is away. */
function unusable(): Runtime {
  const away = async (): Promise<never> => {
    throw new RuntimeUnavailableError('no engine');
  };
  return {
    kind: 'docker',
    description: 'unusable',
    owner: undefined,
    shortcomings: [],
    check: away,
    start: away,
    kill: away,
    listOwn: away,
    imageSource: away,
  };
}

type RuntimeOptions = Pick<Parameters<typeof chooseRuntime>[0], 'installId' | 'paths' | 'log'>;

function plainProcess(options: RuntimeOptions) {
  return chooseRuntime({
    ...options,
    requested: 'auto',
    allowPlainProcess: true,
    provider: 'offline',
    image: 'none',
    packageRoot: PACKAGE_ROOT,
    environment: { PATH: '/nonexistent' },
  });
}
