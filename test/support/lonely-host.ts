import process from 'node:process';
import { v7 as uuidv7 } from 'uuid';
import { ContainerRunner } from '../../src/agent/container-runner.ts';
import { installId } from '../../src/agent/install.ts';
import { chooseRuntime } from '../../src/agent/runtime/choose.ts';
import { systemClock } from '../../src/clock.ts';
import { pathsAt } from '../../src/paths.ts';
import { protectedPaths } from '../../src/protected-paths.ts';
import { DEFAULT_TIMINGS } from '../../src/timings.ts';
import { silentLog } from './silent-log.ts';

/** A host that starts an agent that never ends, says its name on stdout, and waits to be killed. */
const [root = '', packageRoot = '', kind = ''] = process.argv.slice(2);
const paths = pathsAt(root, root);
const install = await installId(root);
const runtime = await chooseRuntime({
  requested: kind === 'plain-process' ? 'auto' : kind === 'docker' || kind === 'podman' ? kind : 'bubblewrap',
  allowPlainProcess: kind === 'plain-process',
  provider: 'offline',
  image: process.env.CONTAINER_IMAGE ?? 'none',
  installId: install,
  paths,
  packageRoot,
  log: silentLog,
  environment: kind === 'plain-process' ? { PATH: '/nonexistent' } : process.env,
});
const runner = new ContainerRunner({
  runtime,
  paths,
  packageRoot,
  installId: install,
  clock: systemClock,
  newId: uuidv7,
  log: silentLog,
  timings: DEFAULT_TIMINGS,
  protectedPaths: protectedPaths(paths, packageRoot, install),
  credentials: { issue: async () => ({ env: {}, mounts: [], release: async () => undefined }) },
  settings: {
    assistantName: 'Andy',
    timeoutMs: 600_000,
    idleTimeoutMs: 0,
    timezone: 'UTC',
    credentialsMode: 'proxy',
    agentEnv: { NANOCLAW_OFFLINE_FAULTS: '1' },
  },
});
const running = await runner.run(
  {
    runId: uuidv7(),
    groupFolder: 'family',
    chatJid: 'family@g.us',
    isMain: false,
    isScheduledTask: false,
    provider: 'offline',
    prompt: '@Andy hang on',
    containerConfig: {},
  },
  async () => undefined,
);
process.stdout.write(`${running.name}\n`);
await running.done;
