import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { Armed, KillOrder, ProbeSettings } from './probe/orders.ts';

/** The host could not start or ended by itself; the text holds its last words. */
export class HostEnded extends Error {
  override readonly name = 'HostEnded';
}

export interface HostOptions {
  /** Directory of the compiled `cli` and `probe`. */
  readonly programs: string;
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
  readonly onQr: (qr: string) => void;
  readonly probe: ProbeSettings;
}

/** How a host came up: it is ready, or it was killed before. */
export type Start = 'ready' | 'killed';

const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'XDG_RUNTIME_DIR'] as const;
const LAST_WORDS = 12;

/** The real host as a child process, with the probe in it. */
export class Host {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #ready: Promise<void>;
  readonly #lastWords: string[] = [];
  #sandbox = 'unknown';

  constructor({ programs, root, env, flags, onQr, probe }: HostOptions) {
    const passedOn = PASSED_ON.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    const probeUrl = pathToFileURL(join(programs, 'probe.mjs')).href;
    const command = ['--import', probeUrl, join(programs, 'cli.mjs'), 'start', '--raw', ...flags];
    this.#child = spawn(process.execPath, command, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A group of its own: Ctrl-C in the terminal is not for it.
      detached: true,
      env: {
        ...Object.fromEntries(passedOn),
        NANOCLAW_ROOT: root,
        FAULTS_PROBE: JSON.stringify(probe),
        AGENT_PROVIDER: 'offline',
        TIMEZONE: 'Europe/Berlin',
        ...env,
      },
    });
    this.#exited = once(this.#child, 'exit');
    if (this.#child.stdout !== null) createInterface(this.#child.stdout).on('line', onQr);
    this.#ready = new Promise((resolve) => {
      if (this.#child.stderr === null) throw new Error('the host has no stderr');
      createInterface(this.#child.stderr).on('line', (line) => {
        this.#lastWords.push(line);
        if (this.#lastWords.length > LAST_WORDS) this.#lastWords.shift();
        this.#sandbox = /INFO: Sandbox: (.*)$/.exec(line)?.[1] ?? this.#sandbox;
        if (/INFO: Ready$/.test(line)) resolve();
      });
    });
  }

  /** What the agents run in, in words; known when the host is ready. */
  get sandbox(): string {
    return this.#sandbox;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** @throws HostEnded when it ended other than by SIGKILL */
  async started(): Promise<Start> {
    await Promise.race([this.#ready, this.#exited]);
    return this.hasEnded ? this.killed().then(() => 'killed') : 'ready';
  }

  /** Resolves when it has been killed, by whomever. @throws HostEnded when it ended in another way */
  async killed(): Promise<void> {
    await this.#exited;
    if (this.#child.signalCode === 'SIGKILL') return;
    const how = this.#child.exitCode ?? this.#child.signalCode;
    throw new HostEnded(`The host ended by itself (${how}). Its last words:\n${this.#lastWords.join('\n')}`);
  }

  /** From here on the probe counts; resolves when it has heard, or is gone. */
  async obey(order: KillOrder): Promise<void> {
    const heard = once(this.#child, 'message') as Promise<[Armed]>;
    // One that has just gone hears nothing, which is no error of ours.
    this.#child.send(order, () => undefined);
    await Promise.race([heard, this.#exited]);
  }

  /** Asks it to stop as an operator does; resolves when it has ended, however. */
  async terminate(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGTERM');
    await this.#exited;
  }

  /** Whether SIGKILL has ended it. */
  get wasKilled(): boolean {
    return this.#child.signalCode === 'SIGKILL';
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
