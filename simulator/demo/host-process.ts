import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The host could not start or ended by itself; the text holds its last words. */
export class HostFailed extends Error {
  override readonly name = 'HostFailed';
}

export interface HostProcessOptions {
  /** NANOCLAW_ROOT. */
  readonly root: string;
  readonly whatsappUrl: string;
  readonly rootKey: string;
  /** Path of the certificate that the media server proves itself with; absent: no files can be sent. */
  readonly mediaCertificate?: string;
  /** The phone scans what the host shows. */
  readonly onQr: (qr: string) => void;
  /** More variables, and others than the demo's. */
  readonly env?: Readonly<Record<string, string>>;
  /** More flags of `start`; absent: where there is no sandbox, a plain process will do. */
  readonly flags?: readonly string[];
  /** Its command line as a program, by path; absent: from the sources, as `npm run dev` does. */
  readonly program?: string;
  /** Modules that are loaded before the host's own, by their URLs. */
  readonly preload?: readonly string[];
  /** A program that is to start it, with its arguments; it becomes the host itself. */
  readonly wrapper?: readonly string[];
}

interface HostEvents {
  /** The host looked at a message and starts no turn for it: its platform id. */
  leftAlone: [messageId: string];
  /** A line of its log, as a terminal shows it. */
  said: [line: string];
}

/** The environment that the host needs of ours; everything else would make the demo differ from machine to machine. */
const PASSED_ON = [
  ...['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'XDG_RUNTIME_DIR'],
  ...['DOCKER_HOST', 'CONTAINER_HOST', 'CONTAINERS_CONF', 'CONTAINERS_STORAGE_CONF'],
] as const;

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const LAST_WORDS = 12;
const STOP_TIMEOUT_MS = 25_000;

/** The real host as a child process, told by its own log what it is doing. */
export class HostProcess extends EventEmitter<HostEvents> {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  /** Its output has ended too, and so its last words are known. */
  readonly #silent: Promise<unknown>;
  readonly #lastWords: string[] = [];
  readonly #ready: Promise<string>;
  #stopping = false;

  constructor(options: HostProcessOptions) {
    super();
    const passedOn = PASSED_ON.map((name) => [name, process.env[name]]).filter(
      ([, value]) => value !== undefined,
    );
    const flags = options.flags ?? ['--allow-plain-process'];
    const preload = (options.preload ?? []).flatMap((url) => ['--import', url]);
    const loader = options.program === undefined ? ['--import', 'tsx'] : [];
    const cli = options.program ?? 'src/cli.ts';
    const node = [process.execPath, ...loader, ...preload, cli, 'start', '--raw', ...flags];
    const [program = '', ...args] = [...(options.wrapper ?? []), ...node];
    this.#child = spawn(program, args, {
      cwd: PROJECT,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C in the terminal is ours to turn into an orderly end.
      detached: true,
      env: {
        ...Object.fromEntries(passedOn),
        NANOCLAW_ROOT: options.root,
        WHATSAPP_URL: options.whatsappUrl,
        WHATSAPP_ROOT_KEY: options.rootKey,
        ...(options.mediaCertificate !== undefined && { NODE_EXTRA_CA_CERTS: options.mediaCertificate }),
        AGENT_PROVIDER: 'offline',
        CONTAINER_RUNTIME: 'auto',
        LOG_LEVEL: 'debug',
        ...options.env,
      },
    });
    this.#exited = once(this.#child, 'exit');
    this.#silent = once(this.#child, 'close');
    this.#silent.catch(() => undefined);
    if (this.#child.stdout !== null) createInterface(this.#child.stdout).on('line', options.onQr);
    this.#ready = this.#follow();
    this.#ready.catch(() => undefined);
  }

  /** The process's id; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Resolves when the line is open and everything runs.
   * @returns the line that names the sandbox
   * @throws HostFailed with what it said last
   */
  ready(): Promise<string> {
    return this.#ready;
  }

  /** Sends a signal, as an operator does. */
  signal(name: NodeJS.Signals): void {
    this.#stopping = true;
    this.#child.kill(name);
  }

  /** Resolves when it has ended. @returns its exit code; null when a signal ended it */
  async exitCode(): Promise<number | null> {
    await this.#exited;
    return this.#child.exitCode;
  }

  /** Rejects when the host ends without having been asked to. */
  async failure(): Promise<never> {
    await this.#exited;
    if (this.#stopping) return new Promise(() => undefined);
    await this.#silent;
    throw new HostFailed(`The host ended by itself. Its last words:\n${this.#lastWords.join('\n')}`);
  }

  /** Ends the host in order; one that does not go is killed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(killer);
  }

  /** Ends the host as a crash does. */
  async kill(): Promise<void> {
    this.#stopping = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #follow(): Promise<string> {
    let sandbox = 'unknown sandbox';
    return new Promise((resolve, reject) => {
      if (this.#child.stderr === null) throw new Error('the host has no stderr');
      createInterface(this.#child.stderr).on('line', (line) => {
        this.emit('said', line);
        if (!line.includes(' DEBUG: ')) this.#remember(line);
        sandbox = /INFO: Sandbox: (.*)$/.exec(line)?.[1] ?? sandbox;
        if (/INFO: Ready$/.test(line)) resolve(sandbox);
        const alone = /DEBUG: No turn: (?!the assistant sent it itself).*"message":"([^"]+)"/.exec(line)?.[1];
        if (alone !== undefined) this.emit('leftAlone', alone);
      });
      this.failure().catch(reject);
    });
  }

  #remember(line: string): void {
    this.#lastWords.push(line);
    if (this.#lastWords.length > LAST_WORDS) this.#lastWords.shift();
  }
}
