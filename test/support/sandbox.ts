import { chmodSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { v7 as uuidv7 } from 'uuid';
import type { AgentRunner, Credentials, TurnOutcome, TurnRequest } from '../../src/agent/agent.ts';
import { ContainerRunner } from '../../src/agent/container-runner.ts';
import { installId } from '../../src/agent/install.ts';
import { type ChooseRuntimeOptions, chooseRuntime } from '../../src/agent/runtime/choose.ts';
import type { Runtime } from '../../src/agent/runtime/runtime.ts';
import type { AgentSettings } from '../../src/agent/settings.ts';
import { systemClock } from '../../src/clock.ts';
import type { Log } from '../../src/log.ts';
import { type Paths, pathsAt } from '../../src/paths.ts';
import { protectedPaths } from '../../src/protected-paths.ts';
import type { OutputFrame } from '../../src/protocol/turn.ts';
import { DEFAULT_TIMINGS, type Timings } from '../../src/timings.ts';
import { silentLog } from './silent-log.ts';
import { temporaryDirectory } from './temporary.ts';

export const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Keys that are none. */
export const noCredentials: Credentials = {
  issue: async () => ({ env: {}, mounts: [], release: async () => undefined }),
};

/**
 * The sandbox that the tests use: bubblewrap where it works, else the plain process.
 * @throws with TEST_SANDBOX=required, where anything less than a sandbox must fail
 */
export async function chooseTestRuntime(
  options: Omit<ChooseRuntimeOptions, 'requested' | 'provider' | 'image' | 'packageRoot' | 'environment'>,
): Promise<Runtime> {
  const settings = {
    provider: 'offline',
    image: 'none',
    packageRoot: PACKAGE_ROOT,
    environment: process.env,
  } as const;
  const bubblewrap = { ...options, ...settings, requested: 'bubblewrap' } as const;
  if (process.env.TEST_SANDBOX === 'required') return chooseRuntime(bubblewrap);
  try {
    return await chooseRuntime(bubblewrap);
  } catch (error) {
    options.log.info({ reason: (error as Error).message }, 'Tests use the plain process');
    return chooseRuntime({
      ...options,
      ...settings,
      // No engine in the way: the tests of Docker are their own.
      environment: { PATH: process.env.PATH, DOCKER_HOST: 'unix:///nonexistent' },
      requested: 'auto',
      allowPlainProcess: true,
    });
  }
}

/** What a runtime for a test is made of. */
export interface RuntimeRequest {
  readonly installId: string;
  readonly paths: Paths;
  readonly log: Log;
  /** Another program in the runner's place; undefined: the runner. */
  readonly runnerFile: string | undefined;
}

export interface TestAgentOptions {
  readonly settings?: Partial<AgentSettings>;
  readonly credentials?: Credentials;
  readonly log?: Log;
  readonly paths?: Paths;
  /** Another program in the runner's place: the source of an ES module. */
  readonly program?: string;
  readonly timings?: Partial<Timings>;
  /** Another runtime than the tests' own. */
  readonly runtime?: (options: RuntimeRequest) => Promise<Runtime>;
}

export interface FinishedTurn {
  readonly outcome: TurnOutcome;
  readonly frames: readonly OutputFrame[];
  /** The texts of the answers. */
  readonly results: readonly string[];
}

/** A real runner on a root of its own. */
export interface TestAgent {
  readonly runner: AgentRunner;
  readonly runtime: Runtime;
  readonly paths: Paths;
  readonly installId: string;
  request(prompt: string, change?: Partial<TurnRequest>): TurnRequest;
  /** One turn from its start to its end. */
  turn(prompt: string, change?: Partial<TurnRequest>): Promise<FinishedTurn>;
}

export async function testAgent(options: TestAgentOptions = {}): Promise<TestAgent> {
  const { log = silentLog, credentials = noCredentials, settings = {} } = options;
  const runnerFile = options.program === undefined ? undefined : await writeProgram(options.program);
  const paths = options.paths ?? pathsAt(sharedDirectory(), sharedDirectory());
  await mkdir(paths.groups, { recursive: true });
  await mkdir(paths.data, { recursive: true });
  const install = await installId(paths.root);
  const runtime = await (options.runtime ?? chooseTestRuntime)({
    installId: install,
    paths,
    log,
    runnerFile,
  });
  const runner = new ContainerRunner({
    runtime,
    paths,
    packageRoot: PACKAGE_ROOT,
    installId: install,
    clock: systemClock,
    newId: uuidv7,
    log,
    credentials,
    protectedPaths: protectedPaths(paths, PACKAGE_ROOT, install),
    timings: { ...DEFAULT_TIMINGS, ...options.timings },
    settings: {
      assistantName: 'Andy',
      timeoutMs: 60_000,
      idleTimeoutMs: 0,
      timezone: 'Europe/Berlin',
      credentialsMode: 'proxy',
      agentEnv: { NANOCLAW_OFFLINE_FAULTS: '1' },
      ...settings,
    },
  });
  const request = (prompt: string, change: Partial<TurnRequest> = {}): TurnRequest => ({
    runId: uuidv7(),
    groupFolder: 'family',
    chatJid: 'family@g.us',
    isMain: false,
    isScheduledTask: false,
    provider: 'offline',
    prompt,
    containerConfig: {},
    ...change,
  });
  return {
    runner,
    runtime,
    paths,
    installId: install,
    request,
    turn: (prompt, change) => takeTurn(runner, request(prompt, change)),
  };
}

/** Runs a turn to its end and keeps what it said. */
export async function takeTurn(runner: AgentRunner, request: TurnRequest): Promise<FinishedTurn> {
  const frames: OutputFrame[] = [];
  const running = await runner.run(request, async (frame) => {
    frames.push(frame);
  });
  const outcome = await running.done;
  return { outcome, frames, results: frames.flatMap(({ result }) => (result == null ? [] : [result])) };
}

async function writeProgram(source: string): Promise<string> {
  const file = join(sharedDirectory(), 'program.mjs');
  await writeFile(file, source, { mode: 0o644 });
  return file;
}

/** A temporary directory that the sandbox's user may search, as it must be able to search the root's parents. */
export function sharedDirectory(): string {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  return directory;
}
