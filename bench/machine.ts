import { statfs } from 'node:fs/promises';
import { arch, availableParallelism, cpus, loadavg, platform, release, tmpdir } from 'node:os';

/** Where the figures were taken. */
export interface Machine {
  readonly node: string;
  readonly system: string;
  readonly cpus: number;
  readonly cpuModel: string;
  /** Processes that wanted to run, averaged over the minute before the start. */
  readonly loadBefore: number;
  /** Where temporary directories are made, and on what file system. */
  readonly directory: string;
  readonly fileSystem: string;
}

/** Linux's numbers of file systems, from its `linux/magic.h`: what a commit costs depends on them. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs (in memory: a sync costs nothing there)',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlayfs',
  801189825: 'zfs',
};

export async function describeMachine(): Promise<Machine> {
  const directory = tmpdir();
  const { type } = await statfs(directory);
  return {
    node: process.versions.node,
    system: `${platform()} ${release()} ${arch()}`,
    cpus: availableParallelism(),
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown processor',
    loadBefore: loadavg()[0] ?? 0,
    directory,
    fileSystem: (platform() === 'linux' ? FILE_SYSTEMS[type] : undefined) ?? `file system of type ${type}`,
  };
}
