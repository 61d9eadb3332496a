import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Paths } from '../../paths.ts';
import type { Owner } from '../directories.ts';
import type { Mount } from '../mounts.ts';
import { AGENT_USER, ownerFor } from './agent-user.ts';
import { childExit } from './child-exit.ts';
import { type CommandResult, runCommand } from './command.ts';
import { dockerArguments, INSTALL_LABEL } from './docker-arguments.ts';
import {
  ImageMissingError,
  type Runtime,
  RuntimeUnavailableError,
  type Sandbox,
  type SandboxSpec,
  type Spawn,
  type StartFailure,
} from './runtime.ts';

const PROGRAM = 'docker';
const COMMAND_TIMEOUT_MS = 20_000;

/** `docker run` itself failed, the command could not be invoked, it was not found: see docker-run(1), exit status. */
const ENGINE_FAILED = 125;
const NOT_INVOKED = [126, 127];
const NO_IMAGE = /pull access denied|no such image|unable to find image|repository does not exist/i;
const NO_ENGINE = /cannot connect to the docker daemon|is the docker daemon running|error during connect/i;

const BEING_REMOVED = /removal of container .* is already in progress/i;
const REMOVAL_LOOKS = 100;
const REMOVAL_LOOK_MS = 100;

/** What of the host's environment the docker program may see: where the engine is, and nothing that holds keys. */
const CLIENT_VARIABLES = /^(?:PATH|HOME|USER|LANG|TMPDIR|XDG_.*|DOCKER_.*|SSH_AUTH_SOCK)$/;

export interface DockerOptions {
  readonly install: string;
  readonly image: string;
  readonly paths: Paths;
  readonly hostUser: Owner;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly spawn: Spawn;
}

/** A hardened container per run, by the docker program. */
export class Docker implements Runtime {
  readonly kind = 'docker';
  readonly owner: Owner | undefined;
  readonly #options: DockerOptions;
  readonly #user: Owner;
  readonly #env: NodeJS.ProcessEnv;
  #version = '';

  constructor(options: DockerOptions) {
    this.#options = options;
    this.owner = ownerFor(options.hostUser.uid);
    this.#user = this.owner ?? options.hostUser;
    this.#env = Object.fromEntries(
      Object.entries(options.environment).filter(([name]) => CLIENT_VARIABLES.test(name)),
    );
  }

  get description(): string {
    return `Docker${this.#version === '' ? '' : ` ${this.#version}`} (${this.#options.image})`;
  }

  async check(): Promise<void> {
    let version: CommandResult;
    try {
      version = await this.#docker(['version', '--format', '{{.Server.Version}}']);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new RuntimeUnavailableError(
        code === 'ENOENT'
          ? 'Docker is not installed. See https://docs.docker.com/engine/install/'
          : `Docker cannot be started: ${message}`,
      );
    }
    if (version.code !== 0) {
      throw new RuntimeUnavailableError(
        `Docker's engine does not answer: ${firstLine(version.stderr)}. Start it, and make sure that this user may use it`,
      );
    }
    this.#version = version.stdout.trim();
    const image = await this.#docker(['image', 'inspect', '--format', '{{.Id}}', this.#options.image]);
    if (image.code !== 0) throw new ImageMissingError(this.#options.image);
  }

  async start(spec: SandboxSpec): Promise<Sandbox> {
    const { install, image, spawn } = this.#options;
    const mounts = [...spec.mounts, ...(await this.#identityMounts())];
    const args = dockerArguments({ ...spec, mounts }, { install, image, user: this.#user });
    const child = spawn(PROGRAM, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
      // A group of its own: Ctrl-C in the host's terminal is for the host.
      detached: true,
      env: this.#env,
    });
    return {
      child,
      exited: childExit(child),
      command: [PROGRAM, ...args],
      terminate: async () => {
        await this.#docker(['kill', '--signal', 'TERM', spec.name]);
      },
      startFailure: (exitCode, stderr) => dockerStartFailure(image, exitCode, stderr),
      dispose: async () => undefined,
    };
  }

  async kill(name: string): Promise<void> {
    const removed = await this.#docker(['rm', '--force', name]);
    if (!BEING_REMOVED.test(removed.stderr)) return;
    // Its own --rm is at it already: the container is not gone before that has ended.
    for (let look = 0; look < REMOVAL_LOOKS; look += 1) {
      if ((await this.#docker(['container', 'inspect', '--format', '{{.Id}}', name])).code !== 0) return;
      await setTimeout(REMOVAL_LOOK_MS);
    }
  }

  async listOwn(): Promise<string[]> {
    const filter = `label=${INSTALL_LABEL}=${this.#options.install}`;
    const list = await this.#docker(['ps', '--all', '--filter', filter, '--format', '{{.Names}}']);
    if (list.code !== 0)
      throw new RuntimeUnavailableError(`Docker cannot list containers: ${firstLine(list.stderr)}`);
    return list.stdout.split('\n').filter((name) => name !== '');
  }

  #docker(args: readonly string[]): Promise<CommandResult> {
    return runCommand(PROGRAM, args, {
      spawn: this.#options.spawn,
      timeoutMs: COMMAND_TIMEOUT_MS,
      env: this.#env,
    });
  }

  /** A user that the image does not know has no name, and programs that ask for it fail: give it one. */
  async #identityMounts(): Promise<Mount[]> {
    const { uid, gid } = this.#user;
    if (uid === AGENT_USER.uid) return [];
    const hostPath = join(this.#options.paths.envDir, 'passwd');
    await writeFile(
      hostPath,
      `root:x:0:0:root:/root:/bin/sh\nnode:x:${uid}:${gid}:node:/home/node:/bin/sh\n`,
    );
    return [{ hostPath, containerPath: '/etc/passwd', readonly: true }];
  }
}

/** Reads docker's own failures from its exit code and its words. */
export function dockerStartFailure(
  image: string,
  exitCode: number | undefined,
  stderr: string,
): StartFailure | undefined {
  if (exitCode === undefined || (exitCode !== ENGINE_FAILED && !NOT_INVOKED.includes(exitCode)))
    return undefined;
  if (NO_IMAGE.test(stderr)) return { error: new ImageMissingError(image).message, retryable: false };
  if (NO_ENGINE.test(stderr))
    return { error: `Docker's engine does not answer: ${firstLine(stderr)}`, retryable: true };
  const cure =
    exitCode === ENGINE_FAILED ? '' : `. Is ${image} the agent's image? Build it: container/build.sh`;
  return { error: `Docker could not start the container: ${firstLine(stderr)}${cure}`, retryable: false };
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
