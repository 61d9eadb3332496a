import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { type Clock, HOUR } from '../clock.ts';
import { Allowance } from './allowance.ts';
import type { ProxyPlace } from './proxy-place.ts';
import { makeDoorDirectory, SOCKET_NAME, shareSocket } from './socket-directory.ts';

/** The proxy cannot listen where it must. */
export class ProxyListenError extends Error {
  override readonly name = 'ProxyListenError';

  constructor(where: string, cause: NodeJS.ErrnoException) {
    const cure =
      cause.code === 'EADDRNOTAVAIL'
        ? 'No network has this address: start the container system and a container once (container system start), or set CREDENTIALS=mount.'
        : 'Free it, or set CREDENTIALS=mount.';
    super(`The keys' proxy cannot listen on ${where} (${cause.code ?? cause.message}). ${cure}`, { cause });
  }
}

const MAX_HEADER_BYTES = 64 * 1024;
/** Longer than any pause between two requests of a turn: a client never meets a closing connection. */
const IDLE_CLIENT_MS = HOUR;
/** Agents keep fewer open, subagents and all; more are dropped. */
const MAX_CONNECTIONS = 128;
/** Connections and requests. An agent waits seconds for each answer; whatever asks more often only wants to keep the host busy. */
const BURST = 250;
const PER_SECOND = 25;

export interface RunDoorOptions {
  readonly place: ProxyPlace;
  /** Fit for a directory's name; no other door has it. */
  readonly name: string;
  readonly onRequest: RequestListener;
  /** Told once, when the run asked far too often and its door was shut for good. */
  readonly onFlood: () => void;
  readonly clock: Clock;
}

/**
 * Where one run's sandbox finds the proxy, and nobody else's: a run that is out of hand uses up its own door only.
 * - open: requests are handled.
 * - shut: by close(), or because of a flood. Every connection was cut, and new ones are refused by the kernel.
 */
export class RunDoor {
  readonly #options: RunDoorOptions;
  readonly #server: Server;
  readonly #allowance: Allowance;
  #isShut = false;
  #closing: Promise<void> | undefined;

  private constructor(options: RunDoorOptions) {
    this.#options = options;
    this.#allowance = new Allowance(BURST, PER_SECOND, options.clock);
    const limits = { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: IDLE_CLIENT_MS };
    this.#server = createServer(limits, (request, response) => {
      this.#count();
      // What came in one piece with the flood is still parsed.
      if (!this.#isShut) options.onRequest(request, response);
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('connection', () => this.#count());
    this.#server.on('drop', () => this.#count());
  }

  /**
   * Begins to listen.
   * @throws ProxyListenError
   */
  static async open(options: RunDoorOptions): Promise<RunDoor> {
    const door = new RunDoor(options);
    try {
      await door.#listen();
    } catch (error) {
      await door.close();
      throw error;
    }
    return door;
  }

  /** The directory to be mounted; undefined: sandboxes come by TCP. */
  get directory(): string | undefined {
    const { place, name } = this.#options;
    return place.kind === 'unix' ? join(place.directory, name) : undefined;
  }

  /** Of the address that was bound; undefined: a socket, or shut. */
  get port(): number | undefined {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? undefined : address.port;
  }

  /** Cuts every connection and removes the socket. Calling it again shares the outcome. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#shut();
    const { directory } = this;
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }

  #count(): void {
    if (this.#isShut || this.#allowance.use()) return;
    this.#shut();
    this.#options.onFlood();
  }

  #shut(): void {
    this.#isShut = true;
    this.#server.closeAllConnections();
    // Not listening is what is wanted.
    this.#server.close(() => undefined);
  }

  async #listen(): Promise<void> {
    const { place, name } = this.#options;
    if (place.kind === 'tcp') {
      await this.#bind({ host: place.bind, port: 0 }, `${place.bind}:0`);
      return;
    }
    const path = join(await makeDoorDirectory(place.directory, name, place.owner), SOCKET_NAME);
    await this.#bind({ path }, path);
    await shareSocket(path, place.owner);
  }

  async #bind(
    where: { readonly path: string } | { readonly host: string; readonly port: number },
    name: string,
  ): Promise<void> {
    try {
      this.#server.listen(where);
      await once(this.#server, 'listening');
    } catch (error) {
      throw new ProxyListenError(name, error as NodeJS.ErrnoException);
    }
    // A connection that could not be taken (no more open files, say) is lost, and nothing else.
    this.#server.on('error', () => undefined);
  }
}
