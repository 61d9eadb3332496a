import { sessionMounts } from '../container-runner.ts';
import type { Paths } from '../paths.ts';
import { type Layout, WRITABLE_IPC_DIRECTORIES } from '../protocol/layout.ts';

/** A host directory that a sandbox sees. */
export interface Mount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readonly: boolean;
}

/** A mount in words, for the logs. */
export function mountInWords({ hostPath, containerPath, readonly }: Mount): string {
  return `${readonly ? 'ro' : 'rw'} ${containerPath} <- ${hostPath}`;
}

export interface MountPlan {
  readonly groupFolder: string;
  readonly isMain: boolean;
  readonly paths: Paths;
  /** Where things lie inside. */
  readonly layout: Layout;
  /** The run's own environment directory on the host. */
  readonly runEnv: string;
  /** Main's view of the project; ignored for other groups. */
  readonly project: readonly Mount[];
  /** Extra directories that the allowlist let through. */
  readonly extra: readonly Mount[];
  /** What the credentials need shown. */
  readonly credentials: readonly Mount[];
}

/**
 * What a group's sandbox sees, and nothing else. Sorted so that a mount comes after the one that it lies in.
 *
 * The IPC folder is read-only with writable mounts in it: a sandbox that could rename things there could put a link in
 * the place of `messages/` or of a snapshot, and the host would follow it.
 */
export function planMounts(plan: MountPlan): Mount[] {
  const { groupFolder, isMain, paths, layout } = plan;
  const ipc = paths.groupIpc(groupFolder);
  const mount = (hostPath: string, containerPath: string, mode: 'ro' | 'rw'): Mount => ({
    hostPath,
    containerPath,
    readonly: mode === 'ro',
  });
  const mounts = [
    mount(paths.group(groupFolder), layout.group, 'rw'),
    mount(paths.groupLogs(groupFolder), layout.groupLogs, 'ro'),
    mount(paths.globalGroup, layout.global, isMain ? 'rw' : 'ro'),
    mount(plan.runEnv, layout.envDir, 'ro'),
    mount(ipc, layout.ipc, 'ro'),
    ...WRITABLE_IPC_DIRECTORIES.map((name) => mount(`${ipc}/${name}`, layout[name], 'rw')),
    mount(paths.groupAttachments(groupFolder), layout.attachments, 'ro'),
    ...sessionMounts(paths.groupSessions(groupFolder)),
    ...(isMain ? plan.project : []),
    ...plan.extra,
    ...plan.credentials,
  ];
  return mounts.sort((a, b) => (a.containerPath < b.containerPath ? -1 : 1));
}
