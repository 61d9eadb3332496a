import { spawn as nodeSpawn } from 'node:child_process';
import { join } from 'node:path';
import type { RuntimeName } from '../../config.ts';
import type { Log } from '../../log.ts';
import type { Paths } from '../../paths.ts';
import type { Provider } from '../../protocol/provider.ts';
import type { Owner } from '../directories.ts';
import { AppleContainer } from './apple-container.ts';
import { Bubblewrap } from './bubblewrap.ts';
import { DOCKER } from './docker.ts';
import { Engine } from './engine.ts';
import { ImageError } from './image-error.ts';
import { PlainProcess } from './plain-process.ts';
import { PODMAN } from './podman.ts';
import { type Runtime, RuntimeError, RuntimeUnavailableError, type Spawn } from './runtime.ts';

export interface ChooseRuntimeOptions {
  /** CONTAINER_RUNTIME. */
  readonly requested: RuntimeName;
  /**
   * The demo's and the tests' order: bubblewrap, else Docker or Podman if the image is there, else a plain process for the offline
   * agent. Only with `auto`.
   */
  readonly allowPlainProcess?: boolean | undefined;
  readonly provider: Provider;
  readonly image: string;
  readonly installId: string;
  readonly paths: Paths;
  readonly packageRoot: string;
  readonly log: Log;
  /** The host's environment: PATH, and where the engines are. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The bundled agent runner; absent: the package's own. */
  readonly runnerFile?: string | undefined;
  readonly spawn?: Spawn | undefined;
  readonly hostUser?: Owner | undefined;
}

type Candidate = Exclude<RuntimeName, 'auto'> | 'plain-process';

const ORDER = ['docker', 'podman', 'container', 'bubblewrap'] as const satisfies readonly Candidate[];
const DEMO_ORDER = [
  'bubblewrap',
  'docker',
  'podman',
  'plain-process',
] as const satisfies readonly Candidate[];

function build(candidate: Candidate, options: ChooseRuntimeOptions): Runtime {
  const { paths, packageRoot, provider, environment, log } = options;
  const spawn = options.spawn ?? nodeSpawn;
  const hostUser = options.hostUser ?? { uid: process.getuid?.() ?? 1000, gid: process.getgid?.() ?? 1000 };
  const runnerFile =
    options.runnerFile ?? join(packageRoot, 'container', 'agent-runner', 'dist', 'runner.mjs');
  const common = { paths, runnerFile, spawn, nodePath: process.execPath };
  const { installId: install, image } = options;
  const seccompFile = join(packageRoot, 'container', 'seccomp.json');
  const engine = { install, image, provider, seccompFile, paths, hostUser, environment, spawn, log };
  switch (candidate) {
    case 'docker':
      return new Engine(DOCKER, engine);
    case 'podman':
      return new Engine(PODMAN, engine);
    case 'container':
      return new AppleContainer({ install, image, provider, environment, spawn });
    case 'bubblewrap':
      return new Bubblewrap({ ...common, provider, packageRoot, hostUid: hostUser.uid, environment, log });
    case 'plain-process':
      return new PlainProcess({ ...common, provider, searchPath: environment.PATH });
  }
}

/**
 * The other runtimes that an earlier process of this install may have used, none of them made sure to work: where to
 * look for orphans.
 */
export function otherRuntimes(chosen: Runtime, options: ChooseRuntimeOptions): Runtime[] {
  return ORDER.filter((candidate) => candidate !== chosen.kind).map((candidate) => build(candidate, options));
}

/**
 * The runtime that the configuration asks for, made sure to work. `auto` takes the first that does and logs why each one
 * before it was passed over. An image that is missing or unfit is no reason to pass an engine over, but for the demo and the
 * tests.
 * @throws RuntimeError that names the cure
 */
export async function chooseRuntime(options: ChooseRuntimeOptions): Promise<Runtime> {
  const { requested, log, allowPlainProcess = false } = options;
  if (requested !== 'auto') {
    const runtime = build(requested, options);
    await runtime.check();
    return runtime;
  }
  const reasons: string[] = [];
  for (const candidate of allowPlainProcess ? DEMO_ORDER : ORDER) {
    try {
      const runtime = build(candidate, options);
      await runtime.check();
      return runtime;
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      if (error instanceof ImageError && !allowPlainProcess) throw error;
      log.info({ runtime: candidate, reason: error.message }, 'Container runtime passed over');
      reasons.push(`${candidate}: ${error.message}`);
    }
  }
  throw new RuntimeUnavailableError(`No container runtime works here.\n${reasons.join('\n')}`);
}
