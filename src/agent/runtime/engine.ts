import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import type { Paths } from '../../paths.ts';
import type { Provider } from '../../protocol/provider.ts';
import { replaceFile } from '../../replace-file.ts';
import type { Owner } from '../directories.ts';
import type { Mount } from '../mounts.ts';
import { AGENT_USER, ownerFor } from './agent-user.ts';
import { childExit } from './child-exit.ts';
import { type CommandResult, runCommand } from './command.ts';
import { type EngineTarget, INSTALL_LABEL } from './engine-arguments.ts';
import { type EngineWords, engineStartFailure, reasonOf } from './engine-failure.ts';
import { ImageMissingError } from './image-error.ts';
import { checkHolds, type ImageLabels, readImageLabels } from './image-labels.ts';
import { checkPipes } from './pipes.ts';
import {
  KILL_WITHIN_MS,
  type Runtime,
  RuntimeUnavailableError,
  type Sandbox,
  SandboxLeftError,
  type SandboxSpec,
  type Shortcoming,
  type Spawn,
  warnOfShortcomings,
} from './runtime.ts';

const COMMAND_TIMEOUT_MS = 20_000;

const BEING_REMOVED = /removal of container .* is already in progress/i;
const NO_CONTAINER = /no such (?:container|object)|no container with (?:name|ID)/i;
const REMOVAL_LOOK_MS = 100;
/** Of the time for a kill so much is kept for asking what became of the container. */
const KEPT_FOR_QUESTION = 0.25;

/** Runs the engine's program to its end. */
export type Query = (args: readonly string[]) => Promise<CommandResult>;

/** What one engine does in its own way. */
export interface EngineDialect extends EngineWords {
  readonly kind: 'docker' | 'podman';
  /** What to do where the program is missing. */
  readonly installation: string;
  /** What of the host's environment the program may see: where its engine is, and nothing that holds keys. */
  readonly clientVariables: RegExp;
  /** The arguments that remove a container at once, its name left out. */
  readonly removal: readonly string[];
  /** Asks the engine what it is. @throws RuntimeUnavailableError when it does not answer, or is not fit */
  meet(query: Query): Promise<EngineAcquaintance>;
  /** Makes sure that a container could be made of the image. @throws RuntimeUnavailableError */
  rehearse?(query: Query, create: readonly string[]): Promise<void>;
}

/** An engine as it was found. */
export interface EngineAcquaintance {
  readonly version: string;
  readonly isDockerDesktop?: boolean;
  /** The user inside must be AGENT_USER, whoever the host is. */
  readonly mapsUsers: boolean;
  readonly shortcomings: readonly Shortcoming[];
  /** What follows `run` or `create` on the command line. */
  containerArguments(spec: SandboxSpec, target: EngineTarget): string[];
}

export interface EngineOptions {
  readonly install: string;
  readonly image: string;
  /** The agent whose program the image must hold. */
  readonly provider: Provider;
  readonly seccompFile: string;
  readonly paths: Paths;
  readonly hostUser: Owner;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly spawn: Spawn;
  readonly log: Log;
}

/** A hardened container per run, by the program of a container engine. */
export class Engine implements Runtime {
  readonly kind: 'docker' | 'podman';
  readonly owner: Owner | undefined;
  readonly #dialect: EngineDialect;
  readonly #options: EngineOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #query: Query;
  #met: EngineAcquaintance | undefined;

  constructor(dialect: EngineDialect, options: EngineOptions) {
    this.kind = dialect.kind;
    this.owner = ownerFor(options.hostUser.uid);
    this.#dialect = dialect;
    this.#options = options;
    this.#env = Object.fromEntries(
      Object.entries(options.environment).filter(([name]) => dialect.clientVariables.test(name)),
    );
    this.#query = (args) => this.#run(args);
  }

  get isDockerDesktop(): boolean {
    return this.#met?.isDockerDesktop ?? false;
  }

  get shortcomings(): readonly Shortcoming[] {
    return this.#met?.shortcomings ?? [];
  }

  get description(): string {
    const { title } = this.#dialect;
    return `${title}${this.#met === undefined ? '' : ` ${this.#met.version}`} (${this.#options.image})`;
  }

  async check(): Promise<void> {
    const { image, install, provider, log } = this.#options;
    const met = await this.#acquaintance();
    const { program } = this.#dialect;
    const labels = await this.#imageLabels();
    if (labels === undefined) throw new ImageMissingError(image, program);
    checkHolds({ image, program, provider }, labels);
    const name = `nanoclaw-${install}-check-${process.pid}`;
    const trial = { name, runId: 'check', groupFolder: 'check', mounts: [], timezone: 'UTC' } as const;
    const create = met.containerArguments({ ...trial, network: 'none' }, this.#target(met));
    await this.#dialect.rehearse?.(this.#query, create);
    warnOfShortcomings(this, log);
  }

  async start(spec: SandboxSpec): Promise<Sandbox> {
    const { program } = this.#dialect;
    const met = await this.#acquaintance();
    const target = this.#target(met);
    const mounts = [...spec.mounts, ...(await this.#identityMounts(target.user))];
    const args = ['run', ...met.containerArguments({ ...spec, mounts }, target)];
    const child = this.#options.spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
      // A group of its own: Ctrl-C in the host's terminal is for the host.
      detached: true,
      env: this.#env,
    });
    const exited = childExit(child);
    await checkPipes(child, exited);
    return {
      child,
      exited,
      command: [program, ...args],
      terminate: async () => {
        await this.#query(['kill', '--signal', 'TERM', spec.name]);
      },
      startFailure: (exitCode, stderr) => engineStartFailure(this.#dialect, target.image, exitCode, stderr),
      ranOutOfMemory: async () => {
        const state = await this.#query(['inspect', '--format', '{{.State.OOMKilled}}', spec.name]);
        return state.code === 0 && state.stdout.trim() === 'true';
      },
      // Not by --rm: how it ended can be asked of a container only while it is there.
      dispose: (withinMs) => this.kill(spec.name, withinMs),
    };
  }

  async kill(name: string, withinMs = KILL_WITHIN_MS): Promise<void> {
    const until = performance.now() + withinMs;
    const askAfterMs = withinMs * (1 - KEPT_FOR_QUESTION);
    const removed = await this.#run([...this.#dialect.removal, name], askAfterMs);
    if (removed.code === 0 || NO_CONTAINER.test(removed.stderr)) return;
    if (BEING_REMOVED.test(removed.stderr)) {
      // Somebody is at it already: the container is not gone before that has ended.
      while (performance.now() < until - withinMs * KEPT_FOR_QUESTION) {
        if ((await this.#stateOf(name, until)) === 'gone') return;
        await setTimeout(REMOVAL_LOOK_MS);
      }
    }
    const { title, program } = this.#dialect;
    const reason = reasonOf(removed);
    const state = await this.#stateOf(name, until);
    if (state === 'unknown') throw new SandboxLeftError(title, name, reason, program);
    // One that has ended is in nobody's way: the host's next start finds it by its label.
    if (state === 'ended')
      this.#options.log.warn({ sandbox: name, reason }, 'Container cannot be removed, but has ended');
  }

  /** `unknown`: it may run. @param until in milliseconds, as `performance.now()` counts them */
  async #stateOf(name: string, until: number): Promise<'gone' | 'ended' | 'unknown'> {
    const question = ['container', 'inspect', '--format', '{{.State.Running}}', name];
    const state = await this.#run(question, until - performance.now());
    if (state.code === 0) return state.stdout.trim() === 'false' ? 'ended' : 'unknown';
    return NO_CONTAINER.test(state.stderr) ? 'gone' : 'unknown';
  }

  async listOwn(): Promise<string[]> {
    const filter = `label=${INSTALL_LABEL}=${this.#options.install}`;
    const list = await this.#query(['ps', '--all', '--filter', filter, '--format', '{{.Names}}']);
    if (list.code !== 0) {
      const { title } = this.#dialect;
      throw new RuntimeUnavailableError(`${title} cannot list containers: ${reasonOf(list)}`);
    }
    return list.stdout.split('\n').filter((name) => name !== '');
  }

  async imageSource(): Promise<string | undefined> {
    return (await this.#imageLabels())?.source;
  }

  /** Undefined: no such image. */
  async #imageLabels(): Promise<ImageLabels | undefined> {
    const { image } = this.#options;
    const found = await this.#query(['image', 'inspect', '--format', '{{json .Config.Labels}}', image]);
    return found.code === 0 ? readImageLabels(found.stdout) : undefined;
  }

  async #acquaintance(): Promise<EngineAcquaintance> {
    this.#met ??= await this.#dialect.meet(this.#query);
    return this.#met;
  }

  #target(met: EngineAcquaintance): EngineTarget {
    const { install, image, seccompFile, hostUser } = this.#options;
    return { install, image, seccompFile, user: met.mapsUsers ? AGENT_USER : (this.owner ?? hostUser) };
  }

  /** @throws RuntimeUnavailableError when the program cannot be started */
  async #run(args: readonly string[], timeoutMs = COMMAND_TIMEOUT_MS): Promise<CommandResult> {
    const { program, title, installation } = this.#dialect;
    try {
      return await runCommand(program, args, {
        spawn: this.#options.spawn,
        timeoutMs: Math.min(timeoutMs, COMMAND_TIMEOUT_MS),
        env: this.#env,
      });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new RuntimeUnavailableError(
        code === 'ENOENT'
          ? `${title} is not installed. ${installation}`
          : `${title} cannot be started: ${message}`,
      );
    }
  }

  /** A user that the image does not know has no name, and programs that ask for it fail: give it one. */
  async #identityMounts({ uid, gid }: Owner): Promise<Mount[]> {
    if (uid === AGENT_USER.uid) return [];
    const hostPath = join(this.#options.paths.envDir, 'passwd');
    // By a rename: other containers have the one that is there mounted.
    await replaceFile(
      hostPath,
      `root:x:0:0:root:/root:/bin/sh\nnode:x:${uid}:${gid}:node:/home/node:/bin/sh\n`,
    );
    return [{ hostPath, containerPath: '/etc/passwd', readonly: true }];
  }
}
