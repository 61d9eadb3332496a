import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, elapsedOf, type NewId } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Paths } from '../paths.ts';
import { wellFormed } from '../protocol/graphemes.ts';
import type { OutputFrame, TurnInput } from '../protocol/turn.ts';
import { shellWord } from '../shell-word.ts';
import type { Timings } from '../timings.ts';
import type { AgentRunner, Credentials, RunningTurn, TurnOutcome, TurnRequest } from './agent.ts';
import { deadlineMs, softDeadlineMs } from './deadline.ts';
import { removeEnvDir } from './env-dir.ts';
import { wasTaken } from './input-dir.ts';
import { sandboxName } from './install.ts';
import { removeOrphans } from './orphans.ts';
import { RunInput } from './run-input.ts';
import { type RunRecord, writeRunLog } from './run-log.ts';
import { type Runtime, RuntimeError, type Sandbox } from './runtime/runtime.ts';
import { withoutSecrets } from './secret-filter.ts';
import type { AgentSettings } from './settings.ts';
import { turnInput } from './turn-input.ts';
import { type PreparedTurn, TurnPreparation } from './turn-preparation.ts';
import { type Ending, TurnWatch } from './turn-watch.ts';

export interface ContainerRunnerOptions {
  readonly runtime: Runtime;
  /** Those that an earlier process may have used: where to look for orphans. */
  readonly otherRuntimes?: readonly Runtime[];
  readonly paths: Paths;
  /** The package's folder, for main's view of the project. */
  readonly packageRoot: string;
  readonly installId: string;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  readonly settings: AgentSettings;
  readonly credentials: Credentials;
  /** Directories that no group may be shown as extra ones. */
  readonly protectedPaths: readonly string[];
  readonly timings: Pick<
    Timings,
    'minDeadlineAfterIdleMs' | 'killGraceMs' | 'childKillGraceMs' | 'pipeLingerMs'
  >;
}

/** A turn whose sandbox was asked for. */
interface StartedTurn {
  readonly request: TurnRequest;
  readonly name: string;
  readonly runEnv: string;
  readonly startedAt: number;
  /** As `elapsedOf` counts: the clock may be set while it runs. */
  readonly begunAt: number;
  readonly log: Log;
  readonly details?: RunRecord['details'] | undefined;
}

/** Runs each turn in a sandbox of its own, made by one of the runtimes. */
export class ContainerRunner implements AgentRunner {
  readonly #options: ContainerRunnerOptions;
  readonly #preparation: TurnPreparation;
  /** Sandboxes that could not be disposed of, and their groups. */
  readonly #leftovers = new Map<string, string>();

  constructor(options: ContainerRunnerOptions) {
    this.#options = options;
    this.#preparation = new TurnPreparation(options);
  }

  get description(): string {
    return this.#options.runtime.description;
  }

  async removeOrphans(): Promise<number> {
    const { runtime, paths, log, otherRuntimes } = this.#options;
    return removeOrphans(runtime, paths.runEnv, log, otherRuntimes);
  }

  async run(request: TurnRequest, onFrame: (frame: OutputFrame) => Promise<void>): Promise<RunningTurn> {
    const { installId, paths, runtime, settings, timings } = this.#options;
    const name = sandboxName(installId, request.groupFolder, request.runId);
    const log = this.#options.log.child({ group: request.groupFolder, run: request.runId });
    const runEnv = join(paths.runEnv, request.runId);
    const { clock } = this.#options;
    const turn: StartedTurn = {
      request,
      name,
      runEnv,
      startedAt: clock.now(),
      begunAt: elapsedOf(clock),
      log,
    };

    let prepared: PreparedTurn | undefined;
    let sandbox: Sandbox;
    try {
      await this.#endLeftovers(request.groupFolder);
      prepared = await this.#preparation.prepare(request, name, runEnv, log);
      sandbox = await runtime.start(prepared.spec);
    } catch (error) {
      log.error({ sandbox: name, error }, 'Container cannot start');
      await this.#cleanUp(turn, prepared, undefined);
      return notStarted(name, error);
    }
    const { secrets, credentials } = prepared;
    const command = sandbox.command.map((argument) => withoutSecrets(argument, secrets));
    log.debug({ command: command.map(shellWord).join(' ') }, 'Container arguments');
    const given = turnInput(request, settings, credentials);
    const details = log.isLevelEnabled('debug') ? { command, input: readable(given, secrets) } : undefined;

    const { timeoutMs, idleTimeoutMs } = settings;
    const deadline = deadlineMs(
      request.containerConfig.timeout,
      timeoutMs,
      idleTimeoutMs,
      timings.minDeadlineAfterIdleMs,
    );
    const watch = new TurnWatch({
      name,
      sandbox,
      runtime,
      onFrame,
      deadlineMs: deadline,
      secrets,
      clock: this.#options.clock,
      log,
      timings,
    });
    const done = this.#settle({ ...turn, details }, prepared, sandbox, watch);
    sendInput(sandbox, given, log);
    const input = this.#openInput(turn, deadline, done);
    return {
      name,
      done,
      followUp: (file, text, beforeSeen) => input.followUp(file, text, beforeSeen),
      finish: () => input.finish(),
      quietMs: () => this.#quietMs(request.groupFolder, watch.lastOutputAt),
      stop: () => watch.end('stopped', 'the host ended it'),
    };
  }

  async hasTaken(groupFolder: string, file: string): Promise<boolean> {
    try {
      return await wasTaken(this.#inputOf(groupFolder), file);
    } catch (error) {
      // The directory is the sandbox's own: it may have locked it. What is not known to be taken waits.
      this.#options.log.warn({ group: groupFolder, error }, 'Input directory cannot be looked at');
      return false;
    }
  }

  /** A file that appears in a directory, or leaves it, changes the directory's time. */
  async #quietMs(groupFolder: string, lastOutputAt: number): Promise<number> {
    const ipc = this.#options.paths.groupIpc(groupFolder);
    const times = await Promise.all(
      ['messages', 'tasks', 'input'].map((name) =>
        stat(join(ipc, name)).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      ),
    );
    return Math.max(0, this.#options.clock.now() - Math.max(lastOutputAt, ...times));
  }

  /** A group has one sandbox at a time: one that could not be ended is ended before the next. @throws RuntimeError */
  async #endLeftovers(groupFolder: string): Promise<void> {
    for (const [name, folder] of this.#leftovers) {
      if (folder !== groupFolder) continue;
      await this.#options.runtime.kill(name);
      this.#leftovers.delete(name);
    }
  }

  #inputOf(groupFolder: string): string {
    return join(this.#options.paths.groupIpc(groupFolder), 'input');
  }

  async #settle(
    turn: StartedTurn,
    prepared: PreparedTurn,
    sandbox: Sandbox,
    watch: TurnWatch,
  ): Promise<TurnOutcome> {
    const ending = await watch.untilEnded();
    await this.#cleanUp(turn, prepared, sandbox, watch.killMs);
    const durationMs = elapsedOf(this.#options.clock) - turn.begunAt;
    const error = ending.error === undefined ? undefined : withoutSecrets(ending.error, prepared.secrets);
    const logFile = await this.#writeLog(turn, prepared, { ...ending, error }, durationMs);
    const { reason, exitCode, frameCount: frames, retryable } = ending;
    return { reason, exitCode, frames, error, retryable, logFile, durationMs };
  }

  /** What the sandbox is told while it runs; its soft deadline is set here. */
  #openInput(
    { request, name, startedAt, log }: StartedTurn,
    deadline: number,
    done: Promise<unknown>,
  ): RunInput {
    const { clock, newId } = this.#options;
    const directory = this.#inputOf(request.groupFolder);
    // A follow-up gets at least half of what a turn may take.
    const input = new RunInput({ directory, acceptUntil: startedAt + deadline / 2, clock, newId, log });
    const wrapUp = setTimeout(() => {
      log.info({ sandbox: name }, 'Container time is nearly up: the agent is asked to finish');
      void input.wrapUp();
    }, softDeadlineMs(deadline));
    void done.then(() => {
      clearTimeout(wrapUp);
      input.close();
    });
    return input;
  }

  async #writeLog(
    { request, name, startedAt, log, details }: StartedTurn,
    { spec }: PreparedTurn,
    ending: Ending,
    durationMs: number,
  ): Promise<string | undefined> {
    const { paths, runtime } = this.#options;
    const id = name.slice(name.lastIndexOf('-') + 1);
    try {
      return await writeRunLog(paths.groupLogs(request.groupFolder), id, {
        ...ending,
        name,
        runtime: runtime.description,
        startedAt,
        durationMs,
        mounts: spec.mounts,
        promptLength: request.prompt.length,
        details,
      });
    } catch (error) {
      log.error({ error }, 'Run log cannot be written');
      return undefined;
    }
  }

  /** Takes back everything that the run was given. What fails is logged: the turn's outcome stands. */
  async #cleanUp(
    { request, name, runEnv, log }: StartedTurn,
    prepared: PreparedTurn | undefined,
    sandbox: Sandbox | undefined,
    killMs?: number,
  ): Promise<void> {
    const disposing = sandbox?.dispose(killMs).catch((error: unknown) => {
      this.#leftovers.set(name, request.groupFolder);
      throw error;
    });
    const steps = [disposing, prepared?.credentials.release(), removeEnvDir(runEnv)];
    for (const result of await Promise.allSettled(steps)) {
      if (result.status === 'rejected') log.error({ error: result.reason }, 'Run cannot be cleaned up');
    }
  }
}

function sendInput({ child }: Sandbox, input: TurnInput, log: Log): void {
  // A sandbox that ends before it has read its input says why by its exit.
  child.stdin.on('error', (error) => log.debug({ error: error.message }, 'Container stdin closed'));
  child.stdin.end(JSON.stringify(input, wellFormed));
}

/** The input for a log: whole, without the keys. */
function readable({ secrets: _, ...input }: TurnInput, secrets: readonly string[]): string {
  return withoutSecrets(JSON.stringify(input, null, 2), secrets);
}

function notStarted(name: string, error: unknown): RunningTurn {
  const outcome: TurnOutcome = {
    reason: 'start_failed',
    exitCode: undefined,
    frames: 0,
    error: error instanceof Error ? error.message : String(error),
    retryable: isRetryable(error),
    logFile: undefined,
    durationMs: 0,
  };
  return {
    name,
    done: Promise.resolve(outcome),
    followUp: async () => false,
    finish: async () => true,
    quietMs: async () => 0,
    stop: async () => undefined,
  };
}

/** The system's own errors (a full disk, too many processes) may pass; the others name something to be set right. */
function isRetryable(error: unknown): boolean {
  if (error instanceof RuntimeError) return error.retryable;
  return error instanceof Error && 'code' in error;
}
