import { spawn as nodeSpawn } from 'node:child_process';
import { join } from 'node:path';
import type { RuntimeName } from '../../config.ts';
import type { Log } from '../../log.ts';
import type { Paths } from '../../paths.ts';
import type { Provider } from '../../protocol/turn.ts';
import type { Owner } from '../directories.ts';
import { Bubblewrap } from './bubblewrap.ts';
import { Docker } from './docker.ts';
import { PlainProcess } from './plain-process.ts';
import {
  ImageMissingError,
  type Runtime,
  RuntimeError,
  RuntimeUnavailableError,
  type Spawn,
} from './runtime.ts';

export interface ChooseRuntimeOptions {
  /** CONTAINER_RUNTIME. */
  readonly requested: RuntimeName;
  /**
   * The demo's and the tests' order: bubblewrap, else Docker if the image is there, else a plain process for the offline
   * agent. Only with `auto`.
   */
  readonly allowPlainProcess?: boolean | undefined;
  readonly provider: Provider;
  readonly image: string;
  readonly installId: string;
  readonly paths: Paths;
  readonly packageRoot: string;
  readonly log: Log;
  /** The host's environment: PATH, and where Docker's engine is. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The bundled agent runner; absent: the package's own. */
  readonly runnerFile?: string | undefined;
  readonly spawn?: Spawn | undefined;
  readonly hostUser?: Owner | undefined;
}

type Candidate = Exclude<RuntimeName, 'auto'> | 'plain-process';

const ORDER = ['docker', 'podman', 'container', 'bubblewrap'] as const satisfies readonly Candidate[];
const DEMO_ORDER = ['bubblewrap', 'docker', 'plain-process'] as const satisfies readonly Candidate[];

function build(candidate: Candidate, options: ChooseRuntimeOptions): Runtime {
  const { paths, packageRoot, provider, environment, log } = options;
  const spawn = options.spawn ?? nodeSpawn;
  const hostUser = options.hostUser ?? { uid: process.getuid?.() ?? 1000, gid: process.getgid?.() ?? 1000 };
  const runnerFile =
    options.runnerFile ?? join(packageRoot, 'container', 'agent-runner', 'dist', 'runner.mjs');
  const common = { paths, runnerFile, spawn, nodePath: process.execPath, searchPath: environment.PATH };
  switch (candidate) {
    case 'docker':
      return new Docker({
        install: options.installId,
        image: options.image,
        paths,
        hostUser,
        environment,
        spawn,
      });
    case 'bubblewrap':
      return new Bubblewrap({ ...common, packageRoot, hostUid: hostUser.uid, log });
    case 'plain-process':
      return new PlainProcess({ ...common, provider });
    case 'podman':
    case 'container':
      throw new RuntimeUnavailableError(
        `CONTAINER_RUNTIME=${candidate} is not supported yet. Use docker or bubblewrap`,
      );
  }
}

/**
 * The runtime that the configuration asks for, made sure to work. `auto` takes the first that does and logs why each one
 * before it was passed over. A missing image is no reason to pass Docker over, but for the demo and the tests.
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
      if (error instanceof ImageMissingError && !allowPlainProcess) throw error;
      log.info({ runtime: candidate, reason: error.message }, 'Container runtime passed over');
      reasons.push(`${candidate}: ${error.message}`);
    }
  }
  throw new RuntimeUnavailableError(`No container runtime works here.\n${reasons.join('\n')}`);
}
