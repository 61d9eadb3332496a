import type { ContainerConfig } from '../protocol/mailbox.ts';
import type { Provider } from '../protocol/provider.ts';
import type { OutputFrame } from '../protocol/turn.ts';

/** One turn in one sandbox, as the core of the house sees it. Nothing here is Docker's own. */

export interface TurnRequest {
  /** The run's id: part of the sandbox's name and of every effect's key. */
  readonly runId: string;
  readonly groupFolder: string;
  readonly chatJid: string;
  readonly isMain: boolean;
  readonly isScheduledTask: boolean;
  readonly prompt: string;
  readonly provider: Provider;
  /** Undefined: the agent's own default. */
  readonly model?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly resumeAt?: string | undefined;
  /** A task's gate script. */
  readonly script?: string | undefined;
  readonly containerConfig: ContainerConfig;
}

/**
 * Why a turn ended.
 * - `exited`: the agent ended by itself (`exitCode`).
 * - `out_of_memory`: the kernel ended it, or something that it ran, for want of memory.
 * - `timeout`: it was ended at its deadline, and is not tried again.
 * - `stopped`: the host asked it to end.
 * - `start_failed`: no sandbox could be started (missing image, no runtime).
 * - `bad_output`: it broke the frame protocol (a frame over the cap, a frame that is no JSON).
 */
export type ExitReason = 'exited' | 'out_of_memory' | 'timeout' | 'stopped' | 'start_failed' | 'bad_output';

export interface TurnOutcome {
  readonly reason: ExitReason;
  readonly exitCode: number | undefined;
  /** Frames that were read whole, in any status. */
  readonly frames: number;
  /** What went wrong, in words for the log; undefined when the agent exited with 0. */
  readonly error: string | undefined;
  /** False: another try cannot heal it (a missing image, no runtime), or would cost too long a silence (a deadline). */
  readonly retryable: boolean;
  /** The run log's file name below `groups/<folder>/logs/`; undefined when none could be written. */
  readonly logFile: string | undefined;
  /** Milliseconds from the start to the end of the sandbox. */
  readonly durationMs: number;
}

export interface RunningTurn {
  /** The sandbox's name, `nanoclaw-<install>-<folder>-<id>`. */
  readonly name: string;
  /** Resolves when the sandbox is gone and every frame was handled. Never rejects. */
  readonly done: Promise<TurnOutcome>;
  /**
   * Gives the agent a follow-up: a file in `input/`, which it unlinks when it takes it.
   * @param file a fresh leaf name ending in `.json`
   * @param beforeSeen called when the file is written and the agent cannot see it yet; when it throws, the agent never does
   * @returns false when nothing was written: the sandbox has ended, was asked to finish, or has not enough time left
   * @throws the system's errors
   */
  followUp(file: string, text: string, beforeSeen?: () => void): Promise<boolean>;
  /**
   * Asks the agent to finish after what it is doing: writes `_close`, unless a follow-up still waits in `input/`. Harmless when
   * called twice or too late.
   * @returns false when a follow-up waits
   */
  finish(): Promise<boolean>;
  /** Milliseconds since the sandbox last wrote anything: on stdout or stderr, or a file into its mailbox. */
  quietMs(): Promise<number>;
  /** Ends the sandbox now; `done` resolves afterwards. */
  stop(): Promise<void>;
}

export interface AgentRunner {
  /**
   * Starts a turn. Frames are handed to `onFrame` one at a time, in order: the next is read when the promise has settled.
   * Never rejects: a sandbox that cannot start is an outcome.
   */
  run(request: TurnRequest, onFrame: (frame: OutputFrame) => Promise<void>): Promise<RunningTurn>;
  /** Whether an agent of the group has taken a file that was written for its `input/`; one that it never saw it has not. */
  hasTaken(groupFolder: string, file: string): Promise<boolean>;
  /** Ends and removes sandboxes that an earlier process of this install left behind; tells how many. */
  removeOrphans(): Promise<number>;
  /** The line that people see: which sandbox runs the agent. */
  readonly description: string;
}

/** What a run is given so that it can reach its model. */
export interface RunCredentials {
  /** Variables for `env-dir/env`. */
  readonly env: Readonly<Record<string, string>>;
  /** Host directories to show to the sandbox, for a socket to the keys' proxy. */
  readonly mounts: readonly {
    readonly hostPath: string;
    readonly containerPath: string;
    readonly readonly: boolean;
  }[];
  /** Takes everything back when the run has ended. */
  release(): Promise<void>;
}

/** The port through which a run gets credentials. Implemented by `credentials/`. */
export interface Credentials {
  issue(run: {
    readonly runId: string;
    readonly groupFolder: string;
    readonly provider: Provider;
  }): Promise<RunCredentials>;
}
