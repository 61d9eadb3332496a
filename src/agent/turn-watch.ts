import { constants } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, SECOND } from '../clock.ts';
import type { Log } from '../log.ts';
import { cutText } from '../protocol/graphemes.ts';
import type { OutputFrame } from '../protocol/turn.ts';
import type { Timings } from '../timings.ts';
import type { ExitReason } from './agent.ts';
import { BoundedText, bounded } from './bounded-text.ts';
import { FrameError, FrameReader } from './frame-reader.ts';
import { parseFrame } from './parse-frame.ts';
import type { ChildExit } from './runtime/child-exit.ts';
import type { Runtime, Sandbox } from './runtime/runtime.ts';
import { SecretFilter, withoutSecrets } from './secret-filter.ts';
import { causeIn } from './stderr-cause.ts';
import { StderrLog } from './stderr-log.ts';

const MAX_FRAME_BYTES = 1024 * 1024;
/** Characters kept in the run log at each end of stdout's noise and of stderr. */
const KEPT_TEXT = 32 * 1024;
/**
 * Characters kept at each end of an error, the agent's or a runtime's: it goes into the run log, the host's log, the run's row and
 * in part into the chat, and a frame may hold a megabyte of it.
 */
const KEPT_ERROR = 1_000;
/** What a look at the sandbox gets at least, when its time is over. */
const LEAST_KILL_MS = SECOND;
/** Frames that the run log has a line for. */
const MAX_FRAME_LINES = 100;

export interface TurnWatchOptions {
  readonly name: string;
  readonly sandbox: Sandbox;
  readonly runtime: Runtime;
  readonly onFrame: (frame: OutputFrame) => Promise<void>;
  readonly deadlineMs: number;
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: Pick<Timings, 'killGraceMs' | 'childKillGraceMs' | 'pipeLingerMs'>;
}

/** How a sandbox ended and what it said. */
export interface Ending {
  readonly reason: ExitReason;
  readonly exitCode: number | undefined;
  readonly frameCount: number;
  /** A line for each of the first frames; its text is not in it. */
  readonly frames: readonly string[];
  readonly error: string | undefined;
  readonly retryable: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Watches over a started sandbox until it is gone.
 *
 * - working: frames are read and handed over one at a time; stdout is not read meanwhile.
 * - ending: the deadline passed, the host asked for it, or a frame could not be read. SIGTERM, then SIGKILL by name, then
 *   SIGKILL to the child process. The first cause is the reason.
 * - ended: the child has exited, and stdout and stderr were read to their ends.
 */
export class TurnWatch {
  readonly #options: TurnWatchOptions;
  readonly #exited: Promise<void>;
  readonly #noise = new BoundedText(KEPT_TEXT);
  readonly #noiseDecoder = new StringDecoder('utf8');
  /** Before the cut: of a secret that the cut goes through a half would stay. */
  readonly #noiseFilter: SecretFilter;
  readonly #stderr: StderrLog;
  readonly #frames: string[] = [];
  #frameCount = 0;
  /** The error of the last frame, if it is one. */
  #reported: string | undefined;
  #cause: { reason: ExitReason; error: string } | undefined;
  /** Undefined while the child lives. */
  #exit: ChildExit | undefined;
  #handling = false;
  #lastOutputAt: number;
  #readLately = false;
  /** As `performance.now()` counts. */
  #endBy: number | undefined;

  constructor(options: TurnWatchOptions) {
    this.#options = options;
    this.#lastOutputAt = options.clock.now();
    const { secrets, log } = options;
    this.#noiseFilter = new SecretFilter(secrets);
    const onOutput = (): void => this.#noteOutput();
    this.#stderr = new StderrLog({ kept: KEPT_TEXT, secrets, log, onOutput });
    this.#exited = options.sandbox.exited.then((exit) => {
      this.#exit = exit;
    });
  }

  /** When the sandbox wrote to stdout or stderr last, or its start; milliseconds since the epoch. */
  get lastOutputAt(): number {
    return this.#lastOutputAt;
  }

  #noteOutput(): void {
    this.#lastOutputAt = this.#options.clock.now();
  }

  /** Resolves when the sandbox is gone and every frame was handled. Never rejects. */
  async untilEnded(): Promise<Ending> {
    const { sandbox, deadlineMs, log, name, timings } = this.#options;
    const { child } = sandbox;
    const deadline = setTimeout(() => {
      log.warn({ sandbox: name, deadlineMs }, 'Container timeout');
      void this.end('timeout', `it had not ended after ${Math.round(deadlineMs / SECOND)} seconds`);
    }, deadlineMs);
    const stderrRead = this.#stderr.read(child.stderr);
    const stdoutRead = this.#readFrames();
    await this.#exited;
    clearTimeout(deadline);
    // A process that was left behind may hold the pipes open.
    const linger = setInterval(() => this.#releasePipes(), timings.pipeLingerMs);
    await Promise.all([stdoutRead, stderrRead]);
    clearInterval(linger);
    const outOfMemory = await this.#ranOutOfMemory();
    await this.#makeSureItIsGone();
    return this.#ending(outOfMemory);
  }

  /** Ends the sandbox. The first call decides the reason. */
  async end(reason: ExitReason, error: string): Promise<void> {
    if (this.#exit !== undefined || this.#cause !== undefined) {
      await this.#exited;
      return;
    }
    this.#cause = { reason, error };
    const { sandbox, runtime, name, log, timings } = this.#options;
    this.#endBy = performance.now() + timings.killGraceMs + timings.childKillGraceMs;
    try {
      // An engine that hangs must not use up the time for the kill.
      const isAsked = await this.#settlesWithin(sandbox.terminate(), timings.killGraceMs);
      if (isAsked && (await this.#exitsWithin(timings.killGraceMs))) return;
      await runtime.kill(name, this.killMs);
      if (await this.#exitsWithin(this.killMs ?? 0)) return;
      sandbox.child.kill('SIGKILL');
      // A container that was still being made when it was to be killed is there by now.
      await runtime.kill(name, this.killMs);
    } catch (problem) {
      log.error({ sandbox: name, error: (problem as Error).message }, 'Container cannot be ended');
      sandbox.child.kill('SIGKILL');
    }
    await this.#exited;
  }

  /** What is left of the time in which the sandbox is to be gone, in milliseconds; undefined: nobody has asked it to end. */
  get killMs(): number | undefined {
    return this.#endBy === undefined ? undefined : Math.max(LEAST_KILL_MS, this.#endBy - performance.now());
  }

  /** @returns false when it takes longer @throws what it rejects with before that */
  async #settlesWithin(work: Promise<void>, ms: number): Promise<boolean> {
    const timer = new AbortController();
    // What comes of it later is no news.
    work.catch(() => undefined);
    const late = sleep(ms, false, { signal: timer.signal }).catch(() => false);
    const inTime = await Promise.race([work.then(() => true), late]);
    timer.abort();
    return inTime;
  }

  /** The child may have ended without its container: an engine's client that was killed, or could not write any more. */
  async #makeSureItIsGone(): Promise<void> {
    const { runtime, name, log } = this.#options;
    if (this.#cause === undefined && (this.#exit?.exitCode === 0 || this.#exit?.spawnError !== undefined))
      return;
    try {
      await runtime.kill(name, this.killMs);
    } catch (error) {
      log.error({ sandbox: name, error: (error as Error).message }, 'Container cannot be ended');
    }
  }

  /** Asks only where an exit is to be explained. */
  async #ranOutOfMemory(): Promise<boolean> {
    const { sandbox, log, name } = this.#options;
    if (this.#cause !== undefined || this.#exit?.spawnError !== undefined || this.#exit?.exitCode === 0)
      return false;
    try {
      return await sandbox.ranOutOfMemory();
    } catch (error) {
      log.debug({ sandbox: name, error: (error as Error).message }, 'Container cannot be asked how it ended');
      return false;
    }
  }

  async #exitsWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.#exited, late]);
    clearTimeout(timer);
    return this.#exit !== undefined;
  }

  async #readFrames(): Promise<void> {
    const { child } = this.#options.sandbox;
    const reader = new FrameReader({
      maxFrameBytes: MAX_FRAME_BYTES,
      onNoise: (bytes) => this.#noise.append(this.#noiseFilter.push(this.#noiseDecoder.write(bytes))),
    });
    try {
      for await (const chunk of child.stdout) {
        this.#readLately = true;
        this.#noteOutput();
        for (const content of reader.push(chunk as Buffer)) await this.#handle(content);
      }
      reader.end();
      if (reader.unfinished) throw new FrameError('stdout ended in the middle of a frame');
    } catch (error) {
      // What is still to come on stdout is not wanted, and must not keep the process waiting.
      child.stdout.destroy();
      await this.#readingFailed(error);
    }
  }

  async #readingFailed(error: unknown): Promise<void> {
    const { message } = error as Error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE') return;
    if (error instanceof FrameError) {
      this.#cause ??= this.#exit !== undefined ? { reason: 'bad_output', error: message } : undefined;
      await this.end('bad_output', message);
    } else {
      this.#options.log.error({ error }, 'A frame could not be handled');
      this.#cause ??= this.#exit !== undefined ? { reason: 'stopped', error: message } : undefined;
      await this.end('stopped', `the host could not handle a frame: ${message}`);
    }
  }

  async #handle(content: string): Promise<void> {
    const frame = this.#withFitError(parseFrame(content));
    const { onFrame } = this.#options;
    const text = frame.result == null ? 'no text' : `${frame.result.length} characters`;
    const error = frame.error === undefined ? '' : `: ${frame.error}`;
    this.#reported = frame.error;
    this.#frameCount += 1;
    if (this.#frames.length < MAX_FRAME_LINES) this.#frames.push(`${frame.status}, ${text}${error}`);
    this.#handling = true;
    try {
      await onFrame(frame);
    } finally {
      this.#handling = false;
      this.#readLately = true;
    }
  }

  #withFitError(frame: OutputFrame): OutputFrame {
    return {
      ...frame,
      ...(frame.error !== undefined && { error: this.#fitError(frame.error) }),
      ...(frame.advice !== undefined && { advice: this.#fitError(frame.advice) }),
    };
  }

  /** Cut last: of a secret that the cut went through a half would stay. */
  #fitError(error: string): string {
    return bounded(withoutSecrets(error, this.#options.secrets), KEPT_ERROR);
  }

  /** A process that the agent left behind may hold the pipes open for ever: what it says is nobody's answer. */
  #releasePipes(): void {
    if (this.#handling) return;
    if (this.#readLately) {
      this.#readLately = false;
      return;
    }
    this.#options.sandbox.child.stdout.destroy();
    this.#options.sandbox.child.stderr.destroy();
  }

  #ending(outOfMemory: boolean): Ending {
    const { sandbox, log, name } = this.#options;
    const { exitCode, spawnError } = this.#exit ?? { exitCode: undefined, spawnError: undefined };
    this.#noise.append(this.#noiseFilter.end());
    const stdout = this.#noise.toString();
    const stderr = this.#stderr.toString();
    const said = {
      frameCount: this.#frameCount,
      frames: this.#frames,
      stdout,
      stderr,
      exitCode,
    };
    if (spawnError !== undefined) {
      return { ...said, reason: 'start_failed', error: spawnError, retryable: false };
    }
    const level = exitCode === 0 ? 'debug' : 'warn';
    log[level]({ sandbox: name }, `Container exited with code ${exitCode}`);
    if (this.#cause !== undefined) {
      // Another try would take as long again before anybody hears of it: three deadlines for a model that is dead.
      return { ...said, ...this.#cause, retryable: this.#cause.reason !== 'timeout' };
    }
    const failure = this.#frameCount === 0 ? sandbox.startFailure(exitCode, stderr) : undefined;
    if (failure !== undefined) {
      const { error, retryable } = failure;
      return { ...said, reason: 'start_failed', error: this.#fitError(error), retryable };
    }
    const error = this.#reported ?? (exitCode === 0 ? undefined : exitWords(exitCode, stderr));
    if (outOfMemory) {
      const words = `it ran out of memory, ${error ?? ''}`;
      return { ...said, reason: 'out_of_memory', error: words, retryable: true };
    }
    return { ...said, reason: 'exited', error, retryable: true };
  }
}

const LONGEST_WORDS = 300;

function exitWords(exitCode: number | undefined, stderr: string): string {
  const last = cutText(causeIn(stderr), LONGEST_WORDS);
  return `exit code ${exitCode}${signalWords(exitCode)}${last === '' ? '' : `: ${last}`}`;
}

/** A shell, an init and an engine all tell of a signal as 128 and its number. */
function signalWords(exitCode: number | undefined): string {
  const number = (exitCode ?? 0) - 128;
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  if (name === undefined) return '';
  return name === 'SIGKILL' ? ' (SIGKILL: for want of memory, or somebody ended it)' : ` (${name})`;
}
