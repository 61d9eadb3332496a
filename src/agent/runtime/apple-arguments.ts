import { CONTAINER_HOME, WORKSPACE_ROOT } from '../../protocol/layout.ts';
import type { Mount } from '../mounts.ts';
import { INSTALL_LABEL, imageArguments } from './engine-arguments.ts';
import { LIMITS } from './limits.ts';
import { RuntimeError, type SandboxSpec } from './runtime.ts';

/** A path that Apple's `--mount` cannot carry. */
export class MountPathError extends RuntimeError {
  override readonly name = 'MountPathError';

  constructor(path: string) {
    super(
      `Apple's container cannot mount ${path}: its --mount knows no quotes. Take the comma out of the name`,
    );
  }
}

export interface AppleTarget {
  readonly install: string;
  readonly image: string;
  /** The long options that this version's `container run --help` tells of. */
  readonly options: ReadonlySet<string>;
}

/** By `--mount`, which alone can be read-only; a writable one by `-v` as Apple's guide has it, unless its name has a colon. */
function mountArguments({ hostPath, containerPath, readonly }: Mount): string[] {
  if (!readonly && !hostPath.includes(':')) return ['-v', `${hostPath}:${containerPath}`];
  if (hostPath.includes(',')) throw new MountPathError(hostPath);
  const fields = ['type=bind', `source=${hostPath}`, `target=${containerPath}`];
  return ['--mount', [...fields, ...(readonly ? ['readonly'] : [])].join(',')];
}

/** What this version can do to harden a container: an option that it does not know would stop it. */
function hardening(options: ReadonlySet<string>): string[] {
  const capabilities = options.has('--cap-drop') ? ['--cap-drop', 'ALL'] : [];
  const init = options.has('--init') ? ['--init'] : [];
  // Its --tmpfs takes a path alone: the size is bounded by the virtual machine's memory.
  const root = options.has('--read-only')
    ? ['--read-only', '--tmpfs', '/tmp', '--tmpfs', CONTAINER_HOME]
    : [];
  return [...capabilities, ...init, ...root];
}

/**
 * The whole command line of a container, `container` itself left out. No `--env`: with `--interactive` it is lost, so
 * everything comes by env-dir. No `--user`: the image's is `node`, and shared directories belong to whoever looks.
 * @throws MountPathError
 */
export function appleArguments(spec: SandboxSpec, { install, image, options }: AppleTarget): string[] {
  return [
    'run',
    ...['--rm', '--interactive'],
    ...['--name', spec.name],
    ...['--label', `${INSTALL_LABEL}=${install}`],
    ...['--cpus', String(LIMITS.cpus)],
    ...['--memory', LIMITS.memory.toUpperCase()],
    ...(options.has('--progress') ? ['--progress', 'none'] : []),
    ...hardening(options),
    ...(spec.network === 'none' ? ['--network', 'none'] : []),
    ...['--workdir', `${WORKSPACE_ROOT}/group`],
    ...spec.mounts.flatMap(mountArguments),
    ...imageArguments(image, spec.command),
  ];
}
