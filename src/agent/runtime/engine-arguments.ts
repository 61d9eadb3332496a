import { CONTAINER_HOME, WORKSPACE_ROOT } from '../../protocol/layout.ts';
import type { Owner } from '../directories.ts';
import type { Mount } from '../mounts.ts';
import type { SandboxSpec } from './runtime.ts';

export const INSTALL_LABEL = 'nanoclaw.install';
const RUN_LABEL = 'nanoclaw.run';
const GROUP_LABEL = 'nanoclaw.group';

/** What a container is made of, whichever engine makes it. */
export interface EngineTarget {
  readonly install: string;
  readonly image: string;
  /** The user inside. */
  readonly user: Owner;
  /** The profile of system calls that are let through. */
  readonly seccompFile: string;
}

/** The arguments that every engine takes in its own form. */
export interface OwnArguments {
  /** Who the users inside are outside. */
  readonly users: readonly string[];
  readonly temporaryPlaces: readonly string[];
  readonly limits: readonly string[];
}

/** One field of the comma-separated `--mount`, quoted as CSV where it must be. */
function field(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function mountArguments({ hostPath, containerPath, readonly }: Mount): string[] {
  const fields = ['type=bind', field(`source=${hostPath}`), field(`target=${containerPath}`)];
  return ['--mount', [...fields, ...(readonly ? ['readonly'] : [])].join(',')];
}

/** The image, or another program of it with its arguments. */
export function imageArguments(image: string, command: SandboxSpec['command']): string[] {
  if (command === undefined) return [image];
  const [program, ...args] = command;
  return ['--entrypoint', program, image, ...args];
}

/**
 * Where SELinux enforces (Fedora and its kin), a container may touch only what has its own label: it would be refused its mounts
 * and the keys' socket. Giving them that label (`:z`) would change the user's own files, an allowlisted home among them, for good
 * and for every other program, and would not open the socket, whose listener is the host. So this container goes without a label;
 * what walls it in is the same as everywhere else. Without SELinux the engines take the option and do nothing.
 */
const UNLABELLED = ['--security-opt', 'label=disable'];

/** What follows `run` or `create` on the command line of Docker and of Podman. */
export function engineArguments(spec: SandboxSpec, target: EngineTarget, own: OwnArguments): string[] {
  const { install, image, user, seccompFile } = target;
  return [
    ...['--interactive', '--init'],
    ...['--pull', 'never'],
    // The host reads the streams itself. The engine would keep a copy on its disk, as large as the agent likes.
    ...['--log-driver', 'none'],
    ...['--name', spec.name],
    ...['--label', `${INSTALL_LABEL}=${install}`],
    ...['--label', `${RUN_LABEL}=${spec.runId}`],
    ...['--label', `${GROUP_LABEL}=${spec.groupFolder}`],
    ...own.users,
    ...['--user', `${user.uid}:${user.gid}`],
    ...['--cap-drop', 'ALL'],
    ...['--security-opt', 'no-new-privileges'],
    ...['--security-opt', `seccomp=${seccompFile}`],
    ...UNLABELLED,
    '--read-only',
    ...own.temporaryPlaces,
    ...own.limits,
    ...(spec.network === 'none' ? ['--network', 'none'] : []),
    ...['--env', `TZ=${spec.timezone}`],
    ...['--env', `HOME=${CONTAINER_HOME}`],
    ...['--workdir', `${WORKSPACE_ROOT}/group`],
    ...spec.mounts.flatMap(mountArguments),
    ...imageArguments(image, spec.command),
  ];
}
