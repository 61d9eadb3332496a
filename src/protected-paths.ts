import process from 'node:process';
import { socketDirectories } from './credentials/socket-directory.ts';
import type { Paths } from './paths.ts';

/** Of the system: devices, processes, and the sockets of its services, container engines among them. */
const SYSTEM_PATHS = ['/dev', '/proc', '/run', '/sys'] as const;

/**
 * The directories of which no sandbox may be shown a part as an extra one, nor what they lie in: whoever can write there,
 * or connect to a socket there, is the host.
 */
export function protectedPaths(paths: Paths, packageRoot: string, installId: string): readonly string[] {
  const { own, shared } = socketDirectories({
    installId,
    hostUid: process.getuid?.() ?? 0,
    runtimeDirectory: process.env.XDG_RUNTIME_DIR,
  });
  const sockets = own === undefined ? [shared] : [own, shared];
  return [paths.root, packageRoot, paths.userConfig, ...sockets, ...SYSTEM_PATHS];
}
