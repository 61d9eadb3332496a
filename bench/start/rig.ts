import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { BoundedText } from '../../src/agent/bounded-text.ts';
import { ContainerRunner } from '../../src/agent/container-runner.ts';
import { installId } from '../../src/agent/install.ts';
import { chooseRuntime } from '../../src/agent/runtime/choose.ts';
import type { Runtime, Sandbox, SandboxSpec, Spawn } from '../../src/agent/runtime/runtime.ts';
import { systemClock } from '../../src/clock.ts';
import { KeyProxy } from '../../src/credentials/key-proxy.ts';
import { makeProxyPlace } from '../../src/credentials/proxy-place.ts';
import { layoutAt } from '../../src/protocol/layout.ts';
import { DEFAULT_TIMINGS } from '../../src/timings.ts';
import { startModelServer } from '../../test/model-server/model-server.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { temporaryRoot } from '../support/temporary-root.ts';
import type { BareAgent } from './bare.ts';

const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const REQUEST_TIMEOUT_MS = 30_000;
const { envDir, credentials } = layoutAt();
const OF_A_RUN: readonly string[] = [envDir, credentials];
/** Characters of a bare program's words that an error may quote, at each end. */
const KEPT_WORDS = 500;

export interface StartRig {
  /** One turn by the runner. */
  startOwn(): Promise<{ readonly stages: Readonly<Record<string, number>>; readonly request: number }>;
  /** The agent's program alone. @returns milliseconds from the spawn to the model's first request */
  startBare(): Promise<number>;
  close(): Promise<void>;
}

/** Two ways to the same program in Docker, and a model's service that notes when it is first asked. */
export async function startRig(cleanup: Cleanup, agent: BareAgent): Promise<StartRig> {
  const { paths } = await temporaryRoot(cleanup);
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  let spawnedAt = 0;
  let requestAt: number | undefined;
  const model = await startModelServer(agent.protocol, () => {
    requestAt ??= Date.now();
    return { kind: 'text', text: 'ok' };
  });
  cleanup.add(() => model.close());

  const installed = await installId(paths.root);
  const timedSpawn = ((file: string, args: readonly string[], options: object) => {
    if (args[0] !== 'run') return spawn(file, args, options);
    spawnedAt = Date.now();
    requestAt = undefined;
    const [run = '', ...rest] = args;
    return spawn(file, [run, '--network', 'host', ...rest], options);
  }) as Spawn;
  const docker = await chooseRuntime({
    requested: 'docker',
    provider: agent.provider,
    image: process.env.CONTAINER_IMAGE ?? 'nanoclaw-agent:latest',
    installId: installed,
    paths,
    packageRoot: PACKAGE_ROOT,
    log,
    environment: process.env,
    spawn: timedSpawn,
  });
  let seen: SandboxSpec | undefined;
  const runtime = remembering(docker, (spec) => {
    seen = spec;
  });

  const hostUid = process.getuid?.() ?? 1000;
  const proxy = new KeyProxy({
    place: await makeProxyPlace(
      { kind: 'docker', platform: process.platform },
      { installId: installed, owner: docker.owner, hostUid, runtimeDirectory: process.env.XDG_RUNTIME_DIR },
    ),
    readVariables: () => agent.variables(model.url),
    onUsage: () => undefined,
    log,
  });
  await proxy.start();
  cleanup.add(() => proxy.stop());
  const runner = new ContainerRunner({
    runtime,
    paths,
    packageRoot: PACKAGE_ROOT,
    installId: installed,
    clock: systemClock,
    newId: uuidv7,
    log,
    timings: DEFAULT_TIMINGS,
    protectedPaths: [],
    credentials: proxy,
    settings: {
      assistantName: 'Andy',
      timeoutMs: REQUEST_TIMEOUT_MS,
      idleTimeoutMs: 0,
      timezone: 'UTC',
      credentialsMode: 'proxy',
      agentEnv: { NANOCLAW_STAGES: '1' },
    },
  });

  const firstRequest = async (): Promise<number> => {
    const deadline = Date.now() + REQUEST_TIMEOUT_MS;
    while (requestAt === undefined) {
      if (Date.now() > deadline) throw new Error(`${agent.provider} never asked its model`);
      await delay(5);
    }
    return requestAt - spawnedAt;
  };

  return {
    startOwn: async () => {
      lines.length = 0;
      const running = await runner.run(
        {
          runId: uuidv7(),
          groupFolder: 'bench',
          chatJid: 'bench@g.us',
          isMain: false,
          isScheduledTask: false,
          provider: agent.provider,
          model: agent.model,
          prompt: 'Hello',
          containerConfig: {},
        },
        async () => undefined,
      );
      const request = await firstRequest().catch(async (error: Error) => {
        await running.stop();
        throw new Error(`${error.message}. The runner said: ${lines.slice(-5).join('\n')}`);
      });
      const outcome = await running.done;
      if (outcome.exitCode !== 0) throw new Error(`The turn failed: ${outcome.error ?? outcome.reason}`);
      return { stages: stagesIn(lines, spawnedAt, request), request };
    },
    startBare: async () => {
      if (seen === undefined)
        throw new Error('the runner starts first: the bare start sees what its sandbox saw');
      const command = await agent.command(paths.group('bench'), model.url);
      const sandbox = await docker.start({
        ...seen,
        name: `${seen.name}-bare`,
        network: 'open',
        // What belongs to a run alone is gone with it.
        mounts: seen.mounts.filter(({ containerPath }) => !OF_A_RUN.includes(containerPath)),
        command,
      });
      const words = new BoundedText(KEPT_WORDS);
      for (const stream of [sandbox.child.stdout, sandbox.child.stderr]) {
        stream.on('data', (bytes: Buffer) => words.append(bytes));
      }
      agent.ask(sandbox.child);
      const request = await firstRequest().catch((error: Error) => {
        throw new Error(`${error.message}. The bare program said: ${words}`);
      });
      await sandbox.terminate();
      await sandbox.exited;
      await sandbox.dispose();
      return request;
    },
    close: async () => {
      await proxy.stop();
      await model.close();
    },
  };
}

function remembering(runtime: Runtime, see: (spec: SandboxSpec) => void): Runtime {
  return new Proxy(runtime, {
    get: (target, name) => {
      if (name === 'start') {
        return (spec: SandboxSpec): Promise<Sandbox> => {
          see(spec);
          return target.start(spec);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** What the runner told on stderr, in milliseconds after the spawn; the last stage is the request. */
function stagesIn(lines: readonly string[], spawnedAt: number, request: number): Record<string, number> {
  const stages: Record<string, number> = {};
  for (const line of lines) {
    const [, stage, at] = /stage (\w+) ([\d.]+)/.exec(line) ?? [];
    if (stage !== undefined) stages[stage] = Number(at) - spawnedAt;
  }
  return { ...stages, request };
}
