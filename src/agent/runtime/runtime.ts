import type { ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Log } from '../../log.ts';
import type { Provider } from '../../protocol/provider.ts';
import type { Owner } from '../directories.ts';
import type { Mount } from '../mounts.ts';
import type { ChildExit } from './child-exit.ts';

export type Spawn = typeof spawn;

/** The ways to run an agent. `plain-process` is no sandbox: for the offline agent, in the demo and the tests. */
export type SandboxKind = 'docker' | 'podman' | 'container' | 'bubblewrap' | 'plain-process';

/** What a sandbox is to be. */
export interface SandboxSpec {
  readonly name: string;
  readonly runId: string;
  readonly groupFolder: string;
  /** Sorted: a mount comes after the one that it lies in. */
  readonly mounts: readonly Mount[];
  /** IANA name, for the clocks inside. */
  readonly timezone: string;
  /** `none`, or whatever the runtime ordinarily gives. */
  readonly network: 'none' | 'open';
  /** The agent whose program must be there; undefined: none is asked for. */
  readonly provider?: Provider | undefined;
  /** Another program than the agent's runner, with its arguments: for looking around inside. */
  readonly command?: readonly [program: string, ...args: string[]] | undefined;
}

/** The end of a sandbox may take so long, however often its engine is asked: a shutdown waits for it. */
export const KILL_WITHIN_MS = 20_000;

export type SandboxChild = ChildProcessByStdio<Writable, Readable, Readable>;

/** A sandbox that was started. Its child process lives as long as it does. */
export interface Sandbox {
  readonly child: SandboxChild;
  /** Resolves when the child has ended; that of a killed engine's client may end before its container. */
  readonly exited: Promise<ChildExit>;
  /** The command, for the log at debug. */
  readonly command: readonly string[];
  /** Sends SIGTERM to the agent. */
  terminate(): Promise<void>;
  /**
   * Tells whether the exit means that there never was a sandbox.
   * @returns undefined when the agent itself ended so
   */
  startFailure(exitCode: number | undefined, stderr: string): StartFailure | undefined;
  /** Whether the kernel ended something in it for want of memory. To be asked after its end and before dispose(). */
  ranOutOfMemory(): Promise<boolean>;
  /**
   * Takes back what was laid out on the host for it, once it has ended.
   * @param withinMs as for `Runtime.kill`
   */
  dispose(withinMs?: number): Promise<void>;
}

export interface StartFailure {
  readonly error: string;
  /** False: another try cannot heal it. */
  readonly retryable: boolean;
}

/** Something that a sandbox should have and that cannot be had here: worth a warning, no reason not to run. */
export interface Shortcoming {
  readonly what: string;
  /** What brings it. */
  readonly cure: string;
}

/** One way to run an agent apart from the host. */
export interface Runtime {
  readonly kind: SandboxKind;
  /** The line that people see. */
  readonly description: string;
  /** The host's user that the agent's processes are; undefined: the host's own. */
  readonly owner: Owner | undefined;
  /** Whether its containers live in Docker Desktop's virtual machine, as far as check() could tell. */
  readonly isDockerDesktop?: boolean;
  /** The address at which its sandboxes reach this machine, where they need one and as far as check() could tell. */
  readonly gateway?: string | undefined;
  /** As check() found them. */
  readonly shortcomings: readonly Shortcoming[];
  /** Makes sure that it works here, and warns of its shortcomings. @throws RuntimeError that names the cure */
  check(): Promise<void>;
  /** @throws RuntimeError when it can tell before the start that it will not work */
  start(spec: SandboxSpec): Promise<Sandbox>;
  /**
   * Ends a sandbox of this install, by SIGKILL. Harmless when it is gone.
   * @param withinMs milliseconds that all of it may take; absent: KILL_WITHIN_MS
   * @throws RuntimeError when it may still run
   */
  kill(name: string, withinMs?: number): Promise<void>;
  /** The names of this install's sandboxes that exist, those of earlier processes included. */
  listOwn(): Promise<string[]>;
  /** What the image was built from, as its label `nanoclaw.source` tells; undefined: no image, or no such label. */
  imageSource(): Promise<string | undefined>;
}

/** For the host's log: a look at `doctor` shows them too. */
export function warnOfShortcomings({ kind, shortcomings }: Runtime, log: Log): void {
  for (const { what, cure } of shortcomings) log.warn({ runtime: kind, cure }, what);
}

/** No sandbox can be started; the text names the cure. */
export abstract class RuntimeError extends Error {
  /** False: another try cannot heal it. */
  readonly retryable: boolean = false;
}

/** The runtime is not installed, not running or not allowed here. */
export class RuntimeUnavailableError extends RuntimeError {
  override readonly name = 'RuntimeUnavailableError';
}

/** A sandbox may still run and cannot be ended. */
export class SandboxLeftError extends RuntimeError {
  override readonly name = 'SandboxLeftError';
  override readonly retryable = true;

  constructor(title: string, sandbox: string, reason: string, program: string) {
    super(
      `${title} cannot end the container ${sandbox}: ${reason}. End it: ${program} rm --force ${sandbox}`,
    );
  }
}

/** The agent's runner was not bundled. */
export class RunnerMissingError extends RuntimeError {
  override readonly name = 'RunnerMissingError';

  constructor(file: string) {
    super(`The agent's runner is missing (${file}). Bundle it: npm run build:runner`);
  }
}

/** A runtime that uses this machine's programs has none for the agent that is set. */
export class AgentMissingError extends RuntimeError {
  override readonly name = 'AgentMissingError';

  constructor(provider: string, file: string) {
    super(`The agent "${provider}" is not installed for bubblewrap (${file}). Install it: npm run agents`);
  }
}
