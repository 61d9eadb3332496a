import { CONTAINER_HOME } from '../../protocol/layout.ts';
import { AGENT_USER } from './agent-user.ts';
import { type EngineTarget, engineArguments } from './engine-arguments.ts';
import { LIMITS } from './limits.ts';
import type { SandboxSpec } from './runtime.ts';

/** What Podman says of itself that decides about its arguments. */
export interface PodmanSystem {
  readonly version: string;
  readonly rootless: boolean;
  /** Control groups that it may use. A rootless Podman has those that were delegated to its user, or none. */
  readonly controllers: readonly string[];
}

/** A temporary place of the user inside. `--tmpfs` knows no owner in Podman. */
function temporaryPlace(path: string, size: string, mode: string): string[] {
  const fields = ['type=tmpfs', `destination=${path}`, `tmpfs-size=${size}`, `tmpfs-mode=${mode}`];
  return ['--mount', [...fields, 'notmpcopyup', 'U'].join(',')];
}

function limits({ rootless, controllers }: PodmanSystem): string[] {
  const may = (controller: string) => controllers.includes(controller);
  return [
    ...(may('pids') ? ['--pids-limit', String(LIMITS.pids)] : []),
    ...(may('memory') ? ['--memory', LIMITS.memory] : []),
    ...(may('cpu') ? ['--cpus', String(LIMITS.cpus)] : []),
    // In a user namespace of its own the kernel counts the sandbox's processes alone (Linux 5.14). Elsewhere no --ulimit
    // at all: one takes the place of all those in containers.conf, which some machines cannot do without.
    ...(rootless && !may('pids')
      ? [
          ...['--ulimit', `nproc=${LIMITS.pids}:${LIMITS.pids}`],
          ...['--ulimit', `nofile=${LIMITS.openFiles}:${LIMITS.openFiles}`],
          ...['--ulimit', 'core=0:0'],
        ]
      : []),
  ];
}

/** What follows `podman run` or `podman create` on the command line. */
export function podmanArguments(spec: SandboxSpec, target: EngineTarget, system: PodmanSystem): string[] {
  return engineArguments(spec, target, {
    users: system.rootless ? [`--userns=keep-id:uid=${AGENT_USER.uid},gid=${AGENT_USER.gid}`] : [],
    temporaryPlaces: [
      // Podman's own temporary places on a read-only root have no size.
      '--read-only-tmpfs=false',
      ...temporaryPlace('/tmp', LIMITS.tmpfs, '1777'),
      ...temporaryPlace(CONTAINER_HOME, LIMITS.tmpfs, '0755'),
      ...temporaryPlace('/dev/shm', LIMITS.sharedMemory, '1777'),
    ],
    limits: limits(system),
  });
}
