import type { ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
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
  readonly network: 'none' | 'ordinary';
}

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
  /** Takes back what was laid out on the host for it, once it has ended. */
  dispose(): Promise<void>;
}

export interface StartFailure {
  readonly error: string;
  /** False: another try cannot heal it. */
  readonly retryable: boolean;
}

/** One way to run an agent apart from the host. */
export interface Runtime {
  readonly kind: SandboxKind;
  /** The line that people see. */
  readonly description: string;
  /** The host's user that the agent's processes are; undefined: the host's own. */
  readonly owner: Owner | undefined;
  /** Makes sure that it works here. @throws RuntimeError that names the cure */
  check(): Promise<void>;
  /** @throws RuntimeError when it can tell before the start that it will not work */
  start(spec: SandboxSpec): Promise<Sandbox>;
  /** Ends a sandbox of this install, by SIGKILL. Harmless when it is gone. */
  kill(name: string): Promise<void>;
  /** The names of this install's sandboxes that exist, those of earlier processes included. */
  listOwn(): Promise<string[]>;
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

/** The agent's image was not built. */
export class ImageMissingError extends RuntimeError {
  override readonly name = 'ImageMissingError';

  constructor(image: string) {
    super(`There is no image ${image}. Build it: container/build.sh`);
  }
}

/** The agent's runner was not bundled. */
export class RunnerMissingError extends RuntimeError {
  override readonly name = 'RunnerMissingError';

  constructor(file: string) {
    super(`The agent's runner is missing (${file}). Bundle it: npm run build:runner`);
  }
}
