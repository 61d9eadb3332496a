import { stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Provider } from '../../protocol/provider.ts';
import { sandboxPrefix } from '../install.ts';
import type { Mount } from '../mounts.ts';
import { type AppleTarget, appleArguments } from './apple-arguments.ts';
import { childExit } from './child-exit.ts';
import { type CommandResult, runCommand } from './command.ts';
import { firstLine, reasonOf } from './engine-failure.ts';
import { ImageMissingError } from './image-error.ts';
import { checkHolds, type ImageLabels, readImageLabels } from './image-labels.ts';
import { checkPipes } from './pipes.ts';
import {
  KILL_WITHIN_MS,
  type Runtime,
  RuntimeError,
  RuntimeUnavailableError,
  type Sandbox,
  SandboxLeftError,
  type SandboxSpec,
  type Spawn,
  type StartFailure,
} from './runtime.ts';

const PROGRAM = 'container';
const COMMAND_TIMEOUT_MS = 20_000;
/** The first start may download a kernel. */
const SYSTEM_START_TIMEOUT_MS = 180_000;

/** A container that removes itself has gone by then. */
const REMOVAL_MS = 5_000;
const REMOVAL_LOOK_MS = 100;

/** The first version that mounts a directory after the one that it lies in, whatever the order of the arguments. */
const OLDEST_MAJOR = 1;

/** A wrong usage: see sysexits(3), EX_USAGE. */
const WRONG_USAGE = 64;
/** The program's own errors have a kind and a quoted text; an agent's stack trace has not. */
const OWN_ERROR = /^Error: (?:\w+: "|.*XPC connection)/m;
const NO_IMAGE =
  /notFound.*image|image.*not found|pull access denied|unauthorized|failed to (?:resolve|pull)/i;
const NO_SYSTEM = /XPC connection|apiserver|container system start/i;

const CLIENT_VARIABLES = /^(?:PATH|HOME|USER|LANG|TMPDIR|CONTAINER_(?:APP_ROOT|INSTALL_ROOT))$/;

/** Apple's container shares directories only. */
export class FileMountError extends RuntimeError {
  override readonly name = 'FileMountError';

  constructor(path: string) {
    super(
      `Apple's container can mount directories only, and ${path} is a file. Mount the directory that it is in`,
    );
  }
}

export interface AppleContainerOptions {
  readonly install: string;
  readonly image: string;
  /** The agent whose program the image must hold. */
  readonly provider: Provider;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly spawn: Spawn;
}

/** A virtual machine per run, by Apple's `container` program. It shows files as belonging to whoever looks at them. */
export class AppleContainer implements Runtime {
  readonly kind = 'container';
  readonly owner = undefined;
  readonly shortcomings = [];
  readonly #options: AppleContainerOptions;
  readonly #env: NodeJS.ProcessEnv;
  #version = '';
  #runOptions: ReadonlySet<string> | undefined;
  #gateway: string | undefined;

  constructor(options: AppleContainerOptions) {
    this.#options = options;
    this.#env = Object.fromEntries(
      Object.entries(options.environment).filter(([name]) => CLIENT_VARIABLES.test(name)),
    );
  }

  get description(): string {
    return `Apple container${this.#version === '' ? '' : ` ${this.#version}`} (${this.#options.image})`;
  }

  get gateway(): string | undefined {
    return this.#gateway;
  }

  async check(): Promise<void> {
    const version = await this.#container(['--version']);
    this.#version = /\d+\.\d+(?:\.\d+)?/.exec(version.stdout)?.[0] ?? '';
    if (Number.parseInt(this.#version, 10) < OLDEST_MAJOR) {
      throw new RuntimeUnavailableError(
        `Apple's container ${this.#version} is too old: its mounts may hide each other. Install ${OLDEST_MAJOR}.0 or newer from https://github.com/apple/container/releases`,
      );
    }
    await this.#startSystem();
    const { image, provider } = this.#options;
    const labels = await this.#imageLabels();
    if (labels === undefined) throw new ImageMissingError(image, PROGRAM);
    checkHolds({ image, program: PROGRAM, provider }, labels);
    this.#runOptions = await this.#findRunOptions();
    this.#gateway = await this.#findGateway();
  }

  async start(spec: SandboxSpec): Promise<Sandbox> {
    await checkDirectories(spec.mounts);
    const { install, image, spawn } = this.#options;
    this.#runOptions ??= await this.#findRunOptions();
    const target: AppleTarget = { install, image, options: this.#runOptions };
    const args = appleArguments(spec, target);
    const child = spawn(PROGRAM, args, {
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
      command: [PROGRAM, ...args],
      terminate: async () => {
        await this.#container(['kill', '--signal', 'TERM', spec.name]);
      },
      startFailure: (exitCode, stderr) => appleStartFailure(image, exitCode, stderr),
      // It has no word for it.
      ranOutOfMemory: async () => false,
      dispose: async () => undefined,
    };
  }

  async kill(name: string, withinMs = KILL_WITHIN_MS): Promise<void> {
    const askMs = Math.min(REMOVAL_MS, withinMs / 2);
    const deleted = await this.#container(['delete', '--force', name], withinMs - askMs);
    if (deleted.code === 0) return;
    // It has no exit code of its own for a container that is gone, and one that removes itself may still be at it.
    const until = performance.now() + askMs;
    do {
      const list = await this.#container(['list', '--all', '--quiet'], until - performance.now());
      if (list.code === 0 && !list.stdout.split('\n').includes(name)) return;
      await setTimeout(REMOVAL_LOOK_MS);
    } while (performance.now() < until);
    const reason = reasonOf(deleted);
    throw new SandboxLeftError("Apple's container", name, reason, PROGRAM);
  }

  async listOwn(): Promise<string[]> {
    // It cannot list by label.
    const list = await this.#container(['list', '--all', '--quiet']);
    if (list.code !== 0)
      throw new RuntimeUnavailableError(`Apple's container cannot list: ${reasonOf(list)}`);
    const prefix = sandboxPrefix(this.#options.install);
    return list.stdout.split('\n').filter((name) => name.startsWith(prefix));
  }

  async imageSource(): Promise<string | undefined> {
    return (await this.#imageLabels())?.source;
  }

  /** Undefined: no such image. */
  async #imageLabels(): Promise<ImageLabels | undefined> {
    const found = await this.#container(['image', 'inspect', this.#options.image]);
    if (found.code !== 0) return undefined;
    // Where in the answer the labels stand has changed between versions: they are looked for by their names.
    const labels = found.stdout.matchAll(/("nanoclaw\.[a-z]+")\s*:\s*("[^"\\]*")/g);
    return readImageLabels(`{${[...labels].map(([, name, value]) => `${name}:${value}`).join()}}`);
  }

  async #startSystem(): Promise<void> {
    if ((await this.#container(['system', 'status'])).code === 0) return;
    // Without the option it would ask on a terminal whether it may fetch a kernel.
    const args = ['system', 'start', '--enable-kernel-install'];
    const started = await this.#container(args, SYSTEM_START_TIMEOUT_MS);
    if (started.code !== 0) {
      throw new RuntimeUnavailableError(
        `Apple's container does not start: ${reasonOf(started)}. Try it by hand: container system start`,
      );
    }
  }

  /** Undefined: this version tells it in words that are not known. */
  async #findGateway(): Promise<string | undefined> {
    const network = await this.#container(['network', 'inspect', 'default']);
    return /"(?:ipv4G|g)ateway"\s*:\s*"(\d+(?:\.\d+){3})/.exec(network.stdout)?.[1];
  }

  async #findRunOptions(): Promise<ReadonlySet<string>> {
    const help = await this.#container(['run', '--help']);
    return new Set(help.stdout.match(/--[a-z][a-z-]*/g) ?? []);
  }

  /** @throws RuntimeUnavailableError when it cannot be started */
  async #container(args: readonly string[], timeoutMs = COMMAND_TIMEOUT_MS): Promise<CommandResult> {
    try {
      return await runCommand(PROGRAM, args, { spawn: this.#options.spawn, timeoutMs, env: this.#env });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new RuntimeUnavailableError(
        code === 'ENOENT'
          ? "Apple's container is not installed. It needs a Mac with Apple silicon: https://github.com/apple/container/releases"
          : `Apple's container cannot be started: ${message}`,
      );
    }
  }
}

/** @throws FileMountError */
async function checkDirectories(mounts: readonly Mount[]): Promise<void> {
  for (const { hostPath } of mounts) {
    if (!(await stat(hostPath)).isDirectory()) throw new FileMountError(hostPath);
  }
}

/** Reads the program's own failures from its exit code and words. */
export function appleStartFailure(
  image: string,
  exitCode: number | undefined,
  stderr: string,
): StartFailure | undefined {
  if (exitCode === undefined || exitCode === 0) return undefined;
  if (exitCode !== WRONG_USAGE && !OWN_ERROR.test(stderr)) return undefined;
  const words = stderr.split('\n').find((line) => line.startsWith('Error: ')) ?? firstLine(stderr);
  if (NO_SYSTEM.test(words))
    return {
      error: `Apple's container does not answer: ${words}. Start it: container system start`,
      retryable: true,
    };
  if (NO_IMAGE.test(words)) return { error: new ImageMissingError(image, PROGRAM).message, retryable: false };
  return { error: `Apple's container could not start: ${words}`, retryable: false };
}
