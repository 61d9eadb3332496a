import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

const LOOPBACK = '127.0.0.1';

/** How the listener meets a client. */
export interface Door {
  /** Drop the TCP connection at once, like a network that is down. */
  refuses(): boolean;
  /** Answer the upgrade with this HTTP status instead of a WebSocket. */
  upgradeStatus(): number | undefined;
  /** What the web client's service worker says, where clients look the current version up. */
  serviceWorker(): string;
  entered(socket: WebSocket): void;
}

/** The port on loopback where clients come in. */
export class Listener {
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #open = new Set<Socket>();

  private constructor(door: Door) {
    this.#server = createServer((request, response) => {
      if (request.url === '/sw.js') {
        response.end(door.serviceWorker());
        return;
      }
      response.writeHead(426, { 'content-type': 'text/plain' });
      response.end('This is a WhatsApp server for tests: connect with a WebSocket.\n');
    });
    this.#server.on('connection', (socket) => {
      if (door.refuses()) {
        socket.resetAndDestroy();
        return;
      }
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
    });
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(door, request, socket, head));
  }

  /** Listens at 127.0.0.1; port 0 takes a free one. Rejects with Node's error when the port is taken. */
  static async start(port: number, door: Door): Promise<Listener> {
    const listener = new Listener(door);
    await new Promise<void>((resolve, reject) => {
      listener.#server.once('error', reject);
      listener.#server.listen(port, LOOPBACK, resolve);
    });
    return listener;
  }

  get port(): number {
    // A listening TCP server has an address with a port.
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts every TCP connection. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    this.#sockets.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }

  #upgrade(door: Door, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const status = door.upgradeStatus();
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => door.entered(webSocket));
  }
}
