import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import type { AgentRunner } from '../../src/agent/agent.ts';
import { ContainerRunner } from '../../src/agent/container-runner.ts';
import { installId } from '../../src/agent/install.ts';
import { Bubblewrap } from '../../src/agent/runtime/bubblewrap.ts';
import { PlainProcess } from '../../src/agent/runtime/plain-process.ts';
import { systemClock } from '../../src/clock.ts';
import { MountedKeys } from '../../src/credentials/mounted-keys.ts';
import { DEFAULT_TIMINGS } from '../../src/timings.ts';
import type { Cleanup } from './cleanup.ts';
import { temporaryRoot } from './temporary-root.ts';

const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const TURN_TIMEOUT_MS = 20_000;

/**
 * The offline agent on a root of its own, in a certain runtime.
 * @throws RuntimeError when the runtime does not work here
 */
export async function startAgent(
  cleanup: Cleanup,
  kind: 'bubblewrap' | 'plain-process',
): Promise<AgentRunner> {
  const { paths } = await temporaryRoot(cleanup);
  const log = pino({ level: 'silent' });
  const runtimeOptions = {
    paths,
    packageRoot: PACKAGE_ROOT,
    runnerFile: join(PACKAGE_ROOT, 'container', 'agent-runner', 'dist', 'runner.mjs'),
    hostUid: process.getuid?.() ?? 1000,
    nodePath: process.execPath,
    searchPath: process.env.PATH,
    environment: process.env,
    provider: 'offline',
    spawn,
    log,
  } as const;
  const runtime = kind === 'bubblewrap' ? new Bubblewrap(runtimeOptions) : new PlainProcess(runtimeOptions);
  await runtime.check();
  return new ContainerRunner({
    runtime,
    paths,
    packageRoot: PACKAGE_ROOT,
    installId: await installId(paths.root),
    clock: systemClock,
    newId: uuidv7,
    log,
    timings: DEFAULT_TIMINGS,
    protectedPaths: [],
    credentials: new MountedKeys(() => ({})),
    settings: {
      assistantName: 'Andy',
      timeoutMs: TURN_TIMEOUT_MS,
      idleTimeoutMs: 0,
      timezone: 'UTC',
      credentialsMode: 'proxy',
      agentEnv: undefined,
    },
  });
}
