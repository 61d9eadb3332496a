import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * Listens on this sandbox's loopback and pipes every connection to a unix socket, byte by byte: the agents' programs speak
 * HTTP to an address. Nothing of it keeps the process alive.
 * @param path the socket, which must take connections
 * @returns the port on 127.0.0.1
 * @throws the system's error when the socket takes none (ENOENT, EACCES, ECONNREFUSED)
 */
export async function forwardTo(path: string): Promise<number> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => join(client, path));
  server.listen(0, '127.0.0.1');
  server.unref();
  const trial = connect(path);
  try {
    await Promise.all([once(server, 'listening'), once(trial, 'connect')]);
  } catch (error) {
    server.close();
    throw error;
  } finally {
    trial.destroy();
  }
  return (server.address() as AddressInfo).port;
}

/** An end passes as an end; a break passes as a break, which clients take for trouble with the network. */
function join(client: Socket, path: string): void {
  const host = connect({ path, allowHalfOpen: true });
  client.unref();
  host.unref();
  client.on('error', () => host.destroy());
  host.on('error', () => client.resetAndDestroy());
  client.pipe(host);
  host.pipe(client);
}
