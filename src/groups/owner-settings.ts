import type { ContainerConfig } from '../protocol/mailbox.ts';
import { shellWord } from '../shell-word.ts';

export type RequestedMount = NonNullable<ContainerConfig['additionalMounts']>[number];

/** What an agent gets of the settings that it requests for a chat. */
export interface Granted {
  readonly config: ContainerConfig;
  /** What was held back, by field. */
  readonly held: string[];
  /** The owner's command that grants it; undefined: nothing was held back. */
  readonly hint: string | undefined;
}

/**
 * Takes out of an agent's request what is the owner's act: directories that may be written, which are read-only without it, and
 * the network, which stays as it is. An agent reads the words of strangers.
 * @param current the chat's settings until now
 */
export function grantToAgent(requested: ContainerConfig, current: ContainerConfig, folder: string): Granted {
  const { network, additionalMounts, ...rest } = requested;
  const held: string[] = [];
  const options: string[] = [];
  const mounts = additionalMounts?.map((mount, index) => {
    if (mount.readonly !== false || current.additionalMounts?.some((other) => isSame(other, mount)))
      return mount;
    held.push(`additionalMounts[${index}]: read-write`);
    options.push(`--mount ${shellWord(`${mount.hostPath}:rw`)}`);
    return { ...mount, readonly: true };
  });
  if (network !== undefined && asPolicy(network) !== asPolicy(current.network)) {
    held.push(`network: ${network}`);
    options.push(`--network ${asPolicy(network)}`);
  }
  return {
    config: {
      ...rest,
      ...(current.network === undefined ? {} : { network: current.network }),
      ...(mounts === undefined ? {} : { additionalMounts: mounts }),
    },
    held,
    hint: held.length === 0 ? undefined : `./nanoclaw groups set ${folder} ${options.join(' ')}`,
  };
}

export type NetworkPolicy = 'open' | 'none';

/** What a setting of the network means. `ordinary` is the earlier name of `open`, which is what holds without one. */
export function asPolicy(network: ContainerConfig['network']): NetworkPolicy {
  return network === 'none' ? 'none' : 'open';
}

/** Whether two requests are for the same directory, under the same name and for writing alike. */
function isSame(one: RequestedMount, other: RequestedMount): boolean {
  return (
    one.hostPath === other.hostPath &&
    one.containerPath === other.containerPath &&
    (one.readonly === false) === (other.readonly === false)
  );
}
