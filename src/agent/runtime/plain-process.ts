import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Paths } from '../../paths.ts';
import { CONTAINER_HOME, layoutAt, WORKSPACE_ROOT } from '../../protocol/layout.ts';
import type { Provider } from '../../protocol/provider.ts';
import type { Mount } from '../mounts.ts';
import { childExit } from './child-exit.ts';
import { exists } from './exists.ts';
import { holdOutput } from './held-output.ts';
import { checkPipes } from './pipes.ts';
import { signal } from './process-identity.ts';
import { ProcessRecords } from './process-records.ts';
import {
  RunnerMissingError,
  type Runtime,
  RuntimeUnavailableError,
  type Sandbox,
  type SandboxSpec,
  type Spawn,
} from './runtime.ts';

export interface PlainProcessOptions {
  readonly provider: Provider;
  readonly paths: Paths;
  readonly runnerFile: string;
  readonly nodePath: string;
  /** The host's PATH. */
  readonly searchPath: string | undefined;
  readonly spawn: Spawn;
}

/**
 * No sandbox: a child process with the host's rights, which finds its workspace by links. Fit for the offline agent,
 * which runs no foreign code, in the demo and the tests. Any other agent is refused.
 */
export class PlainProcess implements Runtime {
  readonly kind = 'plain-process';
  readonly description = 'a plain process (no sandbox; for the offline agent only)';
  readonly owner = undefined;
  readonly shortcomings = [];
  readonly #options: PlainProcessOptions;
  readonly #records: ProcessRecords;

  /** @throws RuntimeUnavailableError for any agent but the offline one */
  constructor(options: PlainProcessOptions) {
    if (options.provider !== 'offline') {
      throw new RuntimeUnavailableError(
        `The agent "${options.provider}" runs foreign code and needs a sandbox. Install Docker or bubblewrap`,
      );
    }
    this.#options = options;
    this.#records = new ProcessRecords(options.paths.runEnv);
  }

  async check(): Promise<void> {
    const { runnerFile } = this.#options;
    if (!(await exists(runnerFile))) throw new RunnerMissingError(runnerFile);
  }

  async start(spec: SandboxSpec): Promise<Sandbox> {
    const place = join(this.#options.paths.runEnv, `${spec.name}.workspace`);
    const layout = layoutAt(join(place, 'workspace'), join(place, 'home'));
    await layOut(spec.mounts, layout);
    const command = [this.#options.nodePath, this.#options.runnerFile];
    const child = this.#options.spawn(command[0] ?? '', command.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: layout.group,
      // A group of its own: Ctrl-C in the host's terminal is for the host, and all of it can be killed at once.
      detached: true,
      env: {
        PATH: this.#options.searchPath,
        NANOCLAW_SANDBOX: spec.name,
        NANOCLAW_WORKSPACE: layout.root,
        HOME: layout.home,
        TZ: spec.timezone,
        LANG: 'C.UTF-8',
      },
    });
    const exited = childExit(child);
    await checkPipes(child, exited);
    const letGo = holdOutput(child);
    if (child.pid !== undefined) await this.#records.add(spec.name, child.pid);
    letGo();
    return {
      child,
      exited,
      command,
      terminate: async () => {
        if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
          signal(child.pid, 'SIGTERM');
      },
      startFailure: () => undefined,
      // Nothing limits it, and the kernel tells nobody else.
      ranOutOfMemory: async () => false,
      dispose: async () => {
        await this.#records.remove(spec.name);
        await rm(place, { recursive: true, force: true });
      },
    };
  }

  async kill(name: string, withinMs?: number): Promise<void> {
    await this.#records.kill(name, withinMs);
  }

  async listOwn(): Promise<string[]> {
    return this.#records.living();
  }

  async imageSource(): Promise<undefined> {
    return undefined;
  }
}

/** Links where a sandbox has mounts. A mount in another one is seen through that one's link. */
async function layOut(
  mounts: readonly Mount[],
  layout: { readonly root: string; readonly home: string },
): Promise<void> {
  const isInside = (inner: string, outer: string) => inner.startsWith(`${outer}/`);
  for (const mount of mounts) {
    const path = mount.containerPath
      .replace(new RegExp(`^${WORKSPACE_ROOT}(?=/)`), layout.root)
      .replace(new RegExp(`^${CONTAINER_HOME}(?=/)`), layout.home);
    const outer = mounts.find((other) => isInside(mount.containerPath, other.containerPath));
    const inner = mounts.find((other) => isInside(other.containerPath, mount.containerPath));
    const seenThrough = (a: Mount, b: Mount) =>
      a.hostPath === b.hostPath + a.containerPath.slice(b.containerPath.length);
    if (outer !== undefined && seenThrough(mount, outer)) continue;
    if (inner === undefined || seenThrough(inner, mount)) {
      await mkdir(dirname(path), { recursive: true });
      await symlink(mount.hostPath, path);
      continue;
    }
    // Other directories appear in this one: a directory of links takes its place.
    await mkdir(path, { recursive: true });
    const taken = new Set(mounts.map((other) => other.containerPath));
    for (const name of await readdir(mount.hostPath)) {
      if (!taken.has(`${mount.containerPath}/${name}`))
        await symlink(join(mount.hostPath, name), join(path, name));
    }
  }
  await mkdir(layout.home, { recursive: true });
}
