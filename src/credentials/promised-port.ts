import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * A port that can be told to somebody before it can be listened at. Until it is given back it is held on this machine's loopback,
 * so that no other door is promised the same.
 */
export class PromisedPort {
  readonly number: number;
  readonly #holder: Server;

  private constructor(number: number, holder: Server) {
    this.number = number;
    this.#holder = holder;
  }

  /** @throws the system's errors */
  static async take(): Promise<PromisedPort> {
    const holder = createServer((socket) => void socket.destroy());
    holder.listen({ host: '127.0.0.1', port: 0 });
    await once(holder, 'listening');
    const address = holder.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
    return new PromisedPort(address.port, holder);
  }

  /** Calling it again does nothing. */
  giveBack(): void {
    this.#holder.close(() => undefined);
  }
}
