import { CONTAINER_HOME, WORKSPACE_ROOT } from '../../protocol/layout.ts';
import type { Owner } from '../directories.ts';
import type { Mount } from '../mounts.ts';
import type { SandboxSpec } from './runtime.ts';

export const INSTALL_LABEL = 'nanoclaw.install';
const RUN_LABEL = 'nanoclaw.run';
const GROUP_LABEL = 'nanoclaw.group';

const LIMITS = { pids: 512, memory: '2g', cpus: '2', tmpfs: '512m' } as const;

export interface DockerTarget {
  readonly install: string;
  readonly image: string;
  /** The user inside: uid 1000 where the host is root, the host's own otherwise. */
  readonly user: Owner;
}

/** One field of the comma-separated `--mount`, quoted as CSV where it must be. */
function field(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function mountArguments({ hostPath, containerPath, readonly }: Mount): string[] {
  const fields = ['type=bind', field(`source=${hostPath}`), field(`target=${containerPath}`)];
  return ['--mount', [...fields, ...(readonly ? ['readonly'] : [])].join(',')];
}

/** The whole command line of a container, `docker` itself left out. */
export function dockerArguments(spec: SandboxSpec, { install, image, user }: DockerTarget): string[] {
  const owned = `rw,exec,nosuid,nodev,size=${LIMITS.tmpfs},uid=${user.uid},gid=${user.gid}`;
  return [
    'run',
    ...['--rm', '--interactive', '--init'],
    ...['--pull', 'never'],
    ...['--name', spec.name],
    ...['--label', `${INSTALL_LABEL}=${install}`],
    ...['--label', `${RUN_LABEL}=${spec.runId}`],
    ...['--label', `${GROUP_LABEL}=${spec.groupFolder}`],
    ...['--user', `${user.uid}:${user.gid}`],
    ...['--cap-drop', 'ALL'],
    ...['--security-opt', 'no-new-privileges'],
    '--read-only',
    // Docker's tmpfs is noexec unless told otherwise, and agents run what they write.
    ...['--tmpfs', `/tmp:${owned},mode=1777`],
    ...['--tmpfs', `${CONTAINER_HOME}:${owned},mode=0755`],
    ...['--pids-limit', String(LIMITS.pids)],
    ...['--memory', LIMITS.memory],
    ...['--cpus', LIMITS.cpus],
    ...['--ulimit', 'core=0'],
    ...(spec.network === 'none' ? ['--network', 'none'] : []),
    ...['--env', `TZ=${spec.timezone}`],
    ...['--env', `HOME=${CONTAINER_HOME}`],
    ...['--workdir', `${WORKSPACE_ROOT}/group`],
    ...spec.mounts.flatMap(mountArguments),
    image,
  ];
}
