import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import type { Paths } from '../paths.ts';
import { layoutAt } from '../protocol/layout.ts';
import type { Provider } from '../protocol/provider.ts';
import type { Credentials, RunCredentials, TurnRequest } from './agent.ts';
import { prepareDirectories } from './directories.ts';
import { writeEnvDir } from './env-dir.ts';
import { emptyInput } from './input-dir.ts';
import { MountAllowlist } from './mount-allowlist.ts';
import { type Mount, mountInWords, planMounts } from './mounts.ts';
import { prepareProjectView } from './project-view.ts';
import type { Runtime, SandboxSpec } from './runtime/runtime.ts';
import { secretsIn } from './secret-filter.ts';
import type { AgentSettings } from './settings.ts';

export interface TurnPreparationOptions {
  readonly runtime: Runtime;
  readonly paths: Paths;
  readonly packageRoot: string;
  readonly settings: AgentSettings;
  readonly credentials: Credentials;
  /** Directories that no group may be shown as extra ones. */
  readonly protectedPaths: readonly string[];
  readonly log: Log;
}

export interface PreparedTurn {
  readonly spec: SandboxSpec;
  readonly credentials: RunCredentials;
  /** What no log may hold. */
  readonly secrets: readonly string[];
}

/** A real agent is never run outside a sandbox. */
class NoSandboxError extends Error {
  override readonly name = 'NoSandboxError';

  constructor(provider: Provider) {
    super(`The agent ${provider} needs a sandbox, and this host has none. Install bubblewrap or Docker`);
  }
}

/** Lays out on the host what a turn's sandbox is to see. */
export class TurnPreparation {
  readonly #options: TurnPreparationOptions;
  readonly #layout = layoutAt();
  readonly #allowlist: MountAllowlist;
  #project: Promise<Mount[]> | undefined;

  constructor(options: TurnPreparationOptions) {
    this.#options = options;
    const { paths, protectedPaths, log } = options;
    this.#allowlist = new MountAllowlist({
      file: paths.mountAllowlist,
      protectedPaths,
      extraRoot: this.#layout.extra,
      log,
    });
  }

  /**
   * Prepares a turn; no sandbox of its group may run meanwhile.
   * @param name the sandbox's
   * @param runEnv the run's environment directory, which must not exist yet
   * @throws NotADirectoryError, EnvValueError, or the system's own errors; credentials were given back then
   */
  async prepare(request: TurnRequest, name: string, runEnv: string, log: Log): Promise<PreparedTurn> {
    const { runtime, paths, settings } = this.#options;
    const { groupFolder, isMain, runId, provider } = request;
    if (runtime.kind === 'plain-process' && provider !== 'offline') throw new NoSandboxError(provider);
    await prepareDirectories(paths, { groupFolder, isMain }, runtime.owner, log);
    const aside = join(paths.ipcErrors, groupFolder, `input-${randomUUID()}`);
    await emptyInput(join(paths.groupIpc(groupFolder), 'input'), aside, runtime.owner);
    const project = isMain ? await this.#projectView() : [];
    const extra = await this.#allowlist.permit(request.containerConfig.additionalMounts ?? [], isMain);

    const credentials = await this.#options.credentials.issue({
      runId,
      groupFolder,
      provider,
    });
    try {
      await writeEnvDir(runEnv, { ...this.#environment(request), ...credentials.env }, runtime.owner);
    } catch (error) {
      await credentials.release().catch(() => undefined);
      throw error;
    }
    const shown = { project, extra, credentials: credentials.mounts };
    const mounts = planMounts({ groupFolder, isMain, paths, layout: this.#layout, runEnv, ...shown });
    log.debug({ mounts: mounts.map(mountInWords) }, 'Container mounts');
    const network = provider === 'offline' || request.containerConfig.network === 'none' ? 'none' : 'open';
    return {
      spec: { name, runId, groupFolder, mounts, timezone: settings.timezone, network, provider },
      credentials,
      secrets: secretsIn(credentials.env),
    };
  }

  /** Agent and model are in it for the runner, which starts the agent's program before it has read the turn. */
  #environment({ provider, model }: TurnRequest): Record<string, string> {
    const { timezone, idleTimeoutMs, agentEnv } = this.#options.settings;
    return {
      TZ: timezone,
      AGENT_PROVIDER: provider,
      ...(model === undefined ? {} : { AGENT_MODEL: model }),
      IDLE_TIMEOUT: String(idleTimeoutMs),
      ...agentEnv,
    };
  }

  #projectView(): Promise<Mount[]> {
    const { paths, packageRoot } = this.#options;
    this.#project ??= prepareProjectView(paths, packageRoot, this.#layout.project).catch((error: Error) => {
      // Tried again at the next turn.
      this.#project = undefined;
      throw error;
    });
    return this.#project;
  }
}
