import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Log } from '../../log.ts';
import type { Paths } from '../../paths.ts';
import type { Provider } from '../../protocol/provider.ts';
import type { Owner } from '../directories.ts';
import { ownerFor } from './agent-user.ts';
import {
  type BubblewrapSystem,
  bubblewrapArguments,
  isolationArguments,
  SYSTEM_DIRECTORIES,
} from './bubblewrap-arguments.ts';
import { childExit } from './child-exit.ts';
import { type CommandResult, runCommand } from './command.ts';
import { exists } from './exists.ts';
import { holdOutput } from './held-output.ts';
import { checkInstalled, findInstalledAgents } from './installed-agents.ts';
import { checkPipes } from './pipes.ts';
import { childrenOf, signal } from './process-identity.ts';
import { ProcessRecords } from './process-records.ts';
import { checkReachable, checkReadable } from './reachable.ts';
import {
  RunnerMissingError,
  type Runtime,
  RuntimeUnavailableError,
  type Sandbox,
  type SandboxChild,
  type SandboxSpec,
  type Shortcoming,
  type Spawn,
  warnOfShortcomings,
} from './runtime.ts';
import { SYSTEMD_RUN, scopeEnvironment, tryScope } from './scope.ts';
import { scopeArguments } from './scope-arguments.ts';
import { seccompFilter } from './seccomp-filter.ts';

const PROGRAM = 'bwrap';
const INFO_FD = 3;
const SECCOMP_FD = 4;
const TRIAL_TIMEOUT_MS = 10_000;
const PRLIMIT = '/usr/bin/prlimit';

/** bwrap's own exit code when it could not set the sandbox up; the agent may end with 1 as well. */
const SETUP_FAILED = 1;

export interface BubblewrapOptions {
  readonly paths: Paths;
  readonly packageRoot: string;
  /** The agent whose program must be there. */
  readonly provider: Provider;
  readonly runnerFile: string;
  readonly hostUid: number;
  readonly nodePath: string;
  /** The host's: PATH, and where the user's systemd is. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly spawn: Spawn;
  readonly log: Log;
}

/**
 * Linux namespaces without an engine or an image: the programs are this machine's own, read-only. No network. It limits each process;
 * what a sandbox uses as a whole is limited by a systemd scope around it, where systemd makes one.
 */
export class Bubblewrap implements Runtime {
  readonly kind = 'bubblewrap';
  readonly owner: Owner | undefined;
  readonly #options: BubblewrapOptions;
  readonly #records: ProcessRecords;
  #system: BubblewrapSystem | undefined;
  #isScoped = false;
  #shortcomings: readonly Shortcoming[] = [];

  constructor(options: BubblewrapOptions) {
    this.#options = options;
    this.owner = ownerFor(options.hostUid);
    this.#records = new ProcessRecords(options.paths.runEnv);
  }

  get description(): string {
    return `bubblewrap (no network${this.#isScoped ? '' : ', memory not limited'})`;
  }

  get shortcomings(): readonly Shortcoming[] {
    return this.#shortcomings;
  }

  async check(): Promise<void> {
    await this.#bwrap(['--version']);
    await checkInstalled(this.#options.packageRoot, this.#options.provider);
    const system = await this.#findSystem();
    const programs = system.agents.shown.map(({ hostPath }) => hostPath);
    await this.#checkReachable([system.runnerFile, system.etc, system.node, ...programs]);
    if (this.owner !== undefined) await checkReadable(system.runnerFile, this.owner);
    await this.#checkReachable([this.#options.paths.groups, this.#options.paths.data]);
    const result = await this.#bwrap([...isolationArguments(system), '--', 'true']);
    if (result.code !== 0) {
      throw new RuntimeUnavailableError(
        `bubblewrap cannot make a sandbox here: ${result.stderr.trim().split('\n').at(-1) ?? 'no reason given'}. ` +
          'It needs unprivileged user namespaces: see "sysctl user.max_user_namespaces" and, on Ubuntu, "sysctl kernel.apparmor_restrict_unprivileged_userns"',
      );
    }
    await this.#findLimits(system);
    warnOfShortcomings(this, this.#options.log);
  }

  async start(spec: SandboxSpec): Promise<Sandbox> {
    const system = this.#system ?? (await this.#findSystem());
    await checkInstalled(this.#options.packageRoot, spec.provider ?? 'offline');
    await this.#checkReachable(spec.mounts.map((mount) => mount.hostPath));
    const filter = seccompFilter(process.arch);
    const files = { info: INFO_FD, seccomp: filter === undefined ? undefined : SECCOMP_FD };
    const args = bubblewrapArguments(spec, system, files);
    const command = this.#isScoped
      ? [SYSTEMD_RUN, ...scopeArguments(this.owner, spec.name, [PROGRAM, ...args])]
      : [PROGRAM, ...args];
    const bwrap = this.#options.spawn(command[0] ?? PROGRAM, command.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
      cwd: '/',
      // A group of its own: Ctrl-C in the host's terminal is for the host.
      detached: true,
      // Only root's systemd makes a scope for another user: there the command itself becomes that one.
      ...(this.#isScoped ? {} : this.#identity()),
      env: this.#isScoped ? scopeEnvironment(this.#options.environment) : this.#environment(),
    });
    const exited = childExit(bwrap);
    await checkPipes(bwrap, exited);
    const info = readAll(bwrap.stdio[INFO_FD] as Readable);
    give(bwrap.stdio[SECCOMP_FD] as Writable, filter, this.#options.log);
    // With five pipes the types no longer say that the first three are there.
    const child = bwrap as unknown as SandboxChild;
    const letGo = holdOutput(child);
    if (child.pid !== undefined) await this.#records.add(spec.name, child.pid);
    letGo();
    let started = false;
    const innerPid = info.then((text) => {
      started = text !== '';
      return parseChildPid(text);
    });
    return {
      child,
      exited,
      command,
      terminate: async () => {
        const reaper = await innerPid;
        // Process 1 inside is bwrap's own reaper, which has no use for a SIGTERM: its child is the agent.
        const agents = reaper === undefined ? [] : await childrenOf(reaper);
        for (const agent of agents) signal(agent, 'SIGTERM');
        // An agent that is not there yet has nothing to say.
        if (agents.length === 0) await this.kill(spec.name);
      },
      startFailure: (exitCode, stderr) =>
        exitCode === SETUP_FAILED && (!started || /^bwrap: /m.test(stderr))
          ? // A systemd that is busy or being updated may make the next scope.
            {
              error: `bubblewrap could not start: ${stderr.trim()}`,
              retryable: this.#isScoped && !started && !/^bwrap: /m.test(stderr),
            }
          : undefined,
      // Without control groups the kernel tells nobody; a scope's are gone with its last process.
      ranOutOfMemory: async () => false,
      dispose: () => this.#records.remove(spec.name),
    };
  }

  async kill(name: string, withinMs?: number): Promise<void> {
    // --die-with-parent takes everything inside along.
    await this.#records.kill(name, withinMs);
  }

  async listOwn(): Promise<string[]> {
    return this.#records.living();
  }

  async imageSource(): Promise<undefined> {
    return undefined;
  }

  #identity(): { uid?: number; gid?: number } {
    return this.owner === undefined ? {} : { uid: this.owner.uid, gid: this.owner.gid };
  }

  #environment(): NodeJS.ProcessEnv {
    return { PATH: this.#options.environment.PATH };
  }

  async #checkReachable(paths: readonly string[]): Promise<void> {
    if (this.owner === undefined) return;
    for (const path of paths) await checkReachable(path, this.owner);
  }

  async #findSystem(): Promise<BubblewrapSystem> {
    const { runnerFile: given, packageRoot, nodePath } = this.#options;
    if (!(await exists(given))) throw new RunnerMissingError(given);
    const runnerFile = await realpath(given);
    const directories: string[] = [];
    for (const path of SYSTEM_DIRECTORIES) if (await exists(path)) directories.push(path);
    const prlimit = (await exists(PRLIMIT)) ? PRLIMIT : undefined;
    this.#system = {
      directories,
      node: await realpath(nodePath),
      prlimit,
      runnerFile,
      etc: join(packageRoot, 'container', 'bubblewrap'),
      agents: await findInstalledAgents(packageRoot, runnerFile, process.arch),
    };
    return this.#system;
  }

  async #findLimits({ prlimit }: BubblewrapSystem): Promise<void> {
    const { environment, spawn } = this.#options;
    const reason = await tryScope({ owner: this.owner, environment, spawn });
    this.#isScoped = reason === undefined;
    if (reason === undefined) return;
    this.#shortcomings = [
      unlimitedMemory(reason, this.owner === undefined),
      ...(prlimit === undefined ? [NO_PRLIMIT] : []),
    ];
  }

  /** Runs bwrap itself, to its end. @throws RuntimeUnavailableError when it cannot be started */
  async #bwrap(args: readonly string[]): Promise<CommandResult> {
    try {
      return await runCommand(PROGRAM, args, {
        spawn: this.#options.spawn,
        timeoutMs: TRIAL_TIMEOUT_MS,
        env: this.#environment(),
        ...this.#identity(),
      });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new RuntimeUnavailableError(
        // EACCES: it was nowhere on the PATH, and a directory there may not be searched by the sandbox's user.
        code === 'ENOENT' || code === 'EACCES'
          ? 'bubblewrap is not installed. On Debian and Ubuntu: apt-get install bubblewrap'
          : `bubblewrap cannot be started: ${message}`,
      );
    }
  }
}

const NO_PRLIMIT: Shortcoming = {
  what: 'prlimit is not installed: a sandbox may start processes without limit',
  cure: 'Install util-linux',
};

function unlimitedMemory(reason: string, isUser: boolean): Shortcoming {
  const systemd = isUser
    ? 'With systemd: loginctl enable-linger, XDG_RUNTIME_DIR=/run/user/UID in the host’s environment, and systemctl edit user@.service with [Service] Delegate=memory pids'
    : 'It takes a machine that systemd runs, with control groups of version 2';
  return {
    what: `bubblewrap limits each process, but not the memory of a sandbox as a whole (${reason})`,
    cure: `${systemd}. Or use Docker or Podman (CONTAINER_RUNTIME)`,
  };
}

async function readAll(stream: Readable): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  try {
    for await (const piece of stream) text += piece;
  } catch {
    // A pipe to a process that was killed: what came is all there is.
    return text;
  }
  return text;
}

/** A sandbox that could not be made does not read its filter: its exit says why. */
function give(pipe: Writable, bytes: Buffer | undefined, log: Log): void {
  pipe.on('error', (error) => log.debug({ error: error.message }, 'System call filter not read'));
  pipe.end(bytes);
}

function parseChildPid(info: string): number | undefined {
  const pid = Number(/"child-pid":\s*(\d+)/.exec(info)?.[1]);
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}
