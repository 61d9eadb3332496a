import { basename, resolve } from 'node:path';
import type { MountAllowlist } from './agent/mount-allowlist.ts';
import { mountInWords } from './agent/mounts.ts';
import { asPolicy, type NetworkPolicy, type RequestedMount } from './groups/owner-settings.ts';
import { printable } from './printable.ts';
import { ContainerConfig } from './protocol/mailbox.ts';
import type { RegisteredGroup } from './store/groups.ts';
import type { Store } from './store/store.ts';

/** What the owner asked for cannot be set; the text names what helps. */
export class GroupSettingError extends Error {
  override readonly name = 'GroupSettingError';
}

/** What the owner changes of a chat. */
export interface GroupChange {
  /** Added, or in the place of one with the same path. */
  readonly mounts: readonly RequestedMount[];
  /** Paths of those that are taken out. */
  readonly unmount: readonly string[];
  readonly network?: NetworkPolicy | undefined;
}

export interface GroupOutcome {
  readonly folder: string;
  readonly name: string;
  readonly network: NetworkPolicy;
  /** The chat's extra directories, in words as in the logs. */
  readonly mounts: readonly string[];
}

/**
 * `PATH`, `PATH:ro` or `PATH:rw`. Inside it has the path's last name, with hyphens where that could not be one.
 * @param directory what a relative path is relative to
 */
export function parseMount(text: string, directory: string): RequestedMount {
  const [, path = '', mode = 'ro'] = /^(.+?)(?::(ro|rw))?$/s.exec(text) ?? [];
  const hostPath = absolute(path, directory);
  const name = basename(hostPath).replace(/[^A-Za-z0-9._-]+/g, '-');
  return {
    hostPath,
    ...(name === basename(hostPath) ? {} : { containerPath: name }),
    readonly: mode === 'ro',
  };
}

/** A leading `~` stays: it is the home of the user who runs the host. */
export function absolute(path: string, directory: string): string {
  return path === '~' || path.startsWith('~/') ? path : resolve(directory, path);
}

/**
 * Changes what the owner alone may change of a chat. It holds from the chat's next turn on, under a running host too.
 * @throws GroupSettingError; nothing has changed then
 */
export async function setGroup(
  store: Store,
  allowlist: MountAllowlist,
  folder: string,
  change: GroupChange,
): Promise<GroupOutcome> {
  const before = groupIn(store, folder);
  const config = changedConfig(before.containerConfig, change);
  const mounts = config.additionalMounts ?? [];
  const decisions = await allowlist.decide(mounts, before.isMain);
  const shown = decisions.map((decision, index) => checked(mounts[index] as RequestedMount, decision));
  store.transaction(() => {
    const group = groupIn(store, folder);
    store.groups.changeSettings({ ...group, containerConfig: changedConfig(group.containerConfig, change) });
  });
  return { folder, name: before.name, network: asPolicy(config.network), mounts: shown };
}

function groupIn(store: Store, folder: string): RegisteredGroup {
  const group = store.groups.inFolder(folder);
  if (group === undefined) {
    const folders = store.groups.all().map((other) => printable(other.folder));
    throw new GroupSettingError(
      `No chat has the folder "${printable(folder)}". There are: ${folders.join(', ')}. See ./nanoclaw groups`,
    );
  }
  return group;
}

function changedConfig(before: ContainerConfig, { mounts, unmount, network }: GroupChange): ContainerConfig {
  const had = before.additionalMounts ?? [];
  const missing = unmount.find((path) => !had.some(({ hostPath }) => hostPath === path));
  if (missing !== undefined) {
    const paths = had.map(({ hostPath }) => printable(hostPath)).join(', ') || 'none';
    throw new GroupSettingError(`${printable(missing)} is not among its directories: ${paths}`);
  }
  const isKept = ({ hostPath }: RequestedMount): boolean =>
    !unmount.includes(hostPath) && !mounts.some((mount) => mount.hostPath === hostPath);
  const names = new Map(had.map((mount) => [mount.hostPath, mount.containerPath]));
  const added = mounts.map((mount) => {
    const containerPath = names.get(mount.hostPath);
    return containerPath === undefined ? mount : { ...mount, containerPath };
  });
  const config = {
    ...before,
    ...(network === undefined ? {} : { network }),
    additionalMounts: [...had.filter(isKept), ...added],
  };
  const { success, error } = ContainerConfig.safeParse(config);
  if (!success) throw new GroupSettingError(error.issues.map(({ message }) => message).join('; '));
  return config;
}

/** @returns the mount in words @throws GroupSettingError where the chat would not get what is asked */
function checked(
  { hostPath, readonly }: RequestedMount,
  decision: Awaited<ReturnType<MountAllowlist['decide']>>[number],
): string {
  if (typeof decision === 'string') throw new GroupSettingError(`${printable(hostPath)}: ${decision}`);
  if (readonly === false && decision.readonly) {
    throw new GroupSettingError(
      `${printable(hostPath)} may only be read: mount-allowlist.json needs "allowReadWrite": true for its root and, for ` +
        'another chat than main, "nonMainReadOnly": false',
    );
  }
  return printable(mountInWords(decision));
}

/** What a chat sees now, for a person. */
export function formatGroupOutcome({ folder, name, network, mounts }: GroupOutcome): string {
  const sees = mounts.length === 0 ? ['  no extra directory'] : mounts.map((mount) => `  ${mount}`);
  return [
    `${printable(name)} (${folder}), from its next turn on:`,
    ...sees,
    `  network: ${network === 'none' ? 'none but the model' : 'open'}`,
  ].join('\n');
}
