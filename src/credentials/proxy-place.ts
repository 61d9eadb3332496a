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
    };

export interface SandboxKindAndPlatform {
  readonly kind: 'docker' | 'podman' | 'container' | 'bubblewrap' | 'plain-process';
  /** `process.platform`. */
  readonly platform: string;
  /** The engine says that it is Docker Desktop: a virtual machine on Linux too. */
  readonly isDockerDesktop?: boolean | undefined;
}

/** Apple's `container` gives its default network this gateway, an address of the Mac. */
const APPLE_GATEWAY = '192.168.64.1';

/**
 * Whether a socket crosses into this kind of sandbox, or else over which address the host is reached.
 *
 * Virtual machines do not pass sockets on. Docker Desktop (`host.docker.internal`) and Podman's machine
 * (`host.containers.internal`) forward a name of theirs to the host's own loopback, so that nothing beyond this machine
 * can connect. Apple's container reaches the host at its network's gateway, which exists once its network is up.
 */
export function proxyReach(
  sandbox: SandboxKindAndPlatform,
): 'unix' | { readonly bind: string; readonly host: string } {
  const { kind, platform, isDockerDesktop = false } = sandbox;
  const isLinux = platform === 'linux';
  switch (kind) {
    case 'bubblewrap':
    case 'plain-process':
      return 'unix';
    case 'docker':
      return isLinux && !isDockerDesktop ? 'unix' : { bind: '127.0.0.1', host: 'host.docker.internal' };
    case 'podman':
      return isLinux ? 'unix' : { bind: '127.0.0.1', host: 'host.containers.internal' };
    case 'container':
      return { bind: APPLE_GATEWAY, host: APPLE_GATEWAY };
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
  if (reach !== 'unix') return { kind: 'tcp', ...reach };
  return { kind: 'unix', directory: await makeSocketDirectory(socket), owner: socket.owner };
}
