import { CONTAINER_HOME, WORKSPACE_ROOT } from '../../protocol/layout.ts';
import { AGENT_USER } from './agent-user.ts';
import type { InstalledAgents } from './installed-agents.ts';
import { LIMITS } from './limits.ts';
import type { SandboxSpec } from './runtime.ts';

/** What of this machine a bubblewrap sandbox is made of. */
export interface BubblewrapSystem {
  /** System directories that exist, shown read-only: programs, libraries and their settings. */
  readonly directories: readonly string[];
  /** The node program, with links resolved. */
  readonly node: string;
  /** `prlimit`; undefined: not installed. */
  readonly prlimit: string | undefined;
  readonly runnerFile: string;
  /** Holds `passwd` and `group`, which name uid 1000. */
  readonly etc: string;
  readonly agents: InstalledAgents;
}

/** The numbers of the open files by which bwrap and the host speak. */
export interface BubblewrapFiles {
  /** Where bwrap tells of its child. */
  readonly info: number;
  /** Where it reads the filter of system calls from; undefined: none. */
  readonly seccomp: number | undefined;
}

/** Candidates for BubblewrapSystem.directories. No /etc as a whole: it tells of the host's users and services. */
export const SYSTEM_DIRECTORIES = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/nix/store',
  '/etc/alternatives',
  '/etc/ca-certificates',
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/localtime',
  '/etc/mime.types',
  '/etc/pki',
  '/etc/ssl',
] as const;

const NODE_INSIDE = '/app/bin/node';
const RUNNER_INSIDE = '/app/agent-runner/runner.mjs';
const TMPFS_BYTES = 512 * 1024 * 1024;

/** Limits per process, and for the number of processes (counted per sandbox on Linux 5.14 or newer). */
const PROCESS_LIMITS = [
  `--nproc=${LIMITS.pids}`,
  `--nofile=${LIMITS.openFiles}`,
  '--core=0',
  `--data=${4 * 1024 ** 3}`,
  `--fsize=${2 * 1024 ** 3}`,
] as const;

/** The sandbox without what a run shows in it; enough for a trial. */
export function isolationArguments(system: BubblewrapSystem): string[] {
  return [
    '--unshare-all',
    '--unshare-user',
    '--disable-userns',
    ...['--uid', String(AGENT_USER.uid), '--gid', String(AGENT_USER.gid)],
    ...['--cap-drop', 'ALL'],
    '--die-with-parent',
    '--new-session',
    '--clearenv',
    ...['--hostname', 'nanoclaw'],
    ...system.directories.flatMap((path) => ['--ro-bind', path, path]),
    ...['--ro-bind', `${system.etc}/passwd`, '/etc/passwd'],
    ...['--ro-bind', `${system.etc}/group`, '/etc/group'],
    ...['--proc', '/proc'],
    ...['--dev', '/dev'],
    ...['--size', String(TMPFS_BYTES), '--tmpfs', '/tmp'],
    ...['--size', String(TMPFS_BYTES), '--perms', '0755', '--tmpfs', CONTAINER_HOME],
  ];
}

/** The whole command line of a sandbox, `bwrap` itself left out. */
export function bubblewrapArguments(
  spec: SandboxSpec,
  system: BubblewrapSystem,
  files: BubblewrapFiles,
): string[] {
  const { agents } = system;
  const environment = {
    NANOCLAW_SANDBOX: spec.name,
    HOME: CONTAINER_HOME,
    USER: 'node',
    PATH: [...agents.programs, '/app/bin', '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
    LANG: 'C.UTF-8',
    TZ: spec.timezone,
    TMPDIR: '/tmp',
  };
  return [
    ...isolationArguments(system),
    ...['--ro-bind', system.node, NODE_INSIDE],
    ...['--ro-bind', system.runnerFile, RUNNER_INSIDE],
    ...agents.shown.flatMap(({ hostPath, inside }) => ['--ro-bind', hostPath, inside]),
    ...agents.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...spec.mounts.flatMap((mount) => [
      mount.readonly ? '--ro-bind' : '--bind',
      mount.hostPath,
      mount.containerPath,
    ]),
    // Last, when every mount point has been made.
    ...['--remount-ro', '/'],
    ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--chdir', `${WORKSPACE_ROOT}/group`],
    ...['--info-fd', String(files.info)],
    ...(files.seccomp === undefined ? [] : ['--seccomp', String(files.seccomp)]),
    '--',
    // Inside, where limits count for the sandbox's own user namespace.
    ...(system.prlimit === undefined ? [] : [system.prlimit, ...PROCESS_LIMITS, '--']),
    ...(spec.command ?? [agents.node ?? NODE_INSIDE, RUNNER_INSIDE]),
  ];
}
