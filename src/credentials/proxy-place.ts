import { isOwnAddress } from './own-address.ts';
import { makeSocketDirectory, type SandboxUser, type SocketDirectoryOptions } from './socket-directory.ts';

/** Where the proxy listens, and how sandboxes find it. */
export type ProxyPlace =
  | { readonly kind: 'unix'; readonly directory: string; readonly owner: SandboxUser | undefined }
  | {
      readonly kind: 'tcp';
      /** The only address of this machine that it binds, at any port that is free. */
      readonly bind: string;
      /** The name of that address inside. */
      readonly host: string;
      /** Whether this machine has the address now: it comes with the sandbox's network. Absent: it is always there. */
      readonly isThere?: () => boolean;
    };

export interface SandboxKindAndPlatform {
  readonly kind: 'docker' | 'podman' | 'container' | 'bubblewrap' | 'plain-process';
  /** `process.platform`. */
  readonly platform: string;
  /** The engine says that it is Docker Desktop: a virtual machine on Linux too. */
  readonly isDockerDesktop?: boolean | undefined;
  /** The address at which this machine is reached from the sandboxes' network, as far as the runtime told. */
  readonly gateway?: string | undefined;
}

/** The gateway of Apple's default network, unless its settings name another one. */
const APPLE_GATEWAY = '192.168.64.1';

/** How a sandbox that no socket crosses into reaches this machine. */
export interface TcpReach {
  readonly bind: string;
  readonly host: string;
  /** The address is there only while a sandbox runs. */
  readonly comesLate: boolean;
}

/**
 * Whether a socket crosses into this kind of sandbox, or else over which address the host is reached.
 *
 * Virtual machines do not pass sockets on. Docker Desktop (`host.docker.internal`) and Podman's machine
 * (`host.containers.internal`) forward a name of theirs to the host's own loopback, so that nothing beyond this machine
 * can connect. Apple's container reaches the host at its network's gateway. The Mac has that address from the start of the first
 * container until the end of the last one, and not before, whatever was started of its system: apple/container#2051.
 */
export function proxyReach(sandbox: SandboxKindAndPlatform): 'unix' | TcpReach {
  const { kind, platform, isDockerDesktop = false, gateway = APPLE_GATEWAY } = sandbox;
  const isLinux = platform === 'linux';
  switch (kind) {
    case 'bubblewrap':
    case 'plain-process':
      return 'unix';
    case 'docker':
      return isLinux && !isDockerDesktop
        ? 'unix'
        : { bind: '127.0.0.1', host: 'host.docker.internal', comesLate: false };
    case 'podman':
      return isLinux ? 'unix' : { bind: '127.0.0.1', host: 'host.containers.internal', comesLate: false };
    case 'container':
      return { bind: gateway, host: gateway, comesLate: true };
  }
}

/**
 * Decides where the proxy listens and makes the socket's directory where there is one.
 * @throws SocketPathError, SocketDirectoryError
 */
export async function makeProxyPlace(
  sandbox: SandboxKindAndPlatform,
  socket: SocketDirectoryOptions,
): Promise<ProxyPlace> {
  const reach = proxyReach(sandbox);
  if (reach !== 'unix') {
    const { bind, host, comesLate } = reach;
    return { kind: 'tcp', bind, host, ...(comesLate ? { isThere: () => isOwnAddress(bind) } : {}) };
  }
  return { kind: 'unix', directory: await makeSocketDirectory(socket), owner: socket.owner };
}
