import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, HOUR, SECOND } from '../clock.ts';
import { Allowance } from './allowance.ts';
import { PromisedPort } from './promised-port.ts';
import type { ProxyPlace } from './proxy-place.ts';
import { makeDoorDirectory, SOCKET_NAME, shareSocket } from './socket-directory.ts';

/** The proxy cannot listen where it must. */
export class ProxyListenError extends Error {
  override readonly name = 'ProxyListenError';

  constructor(where: string, cause: NodeJS.ErrnoException) {
    const cure =
      cause.code === 'EADDRNOTAVAIL'
        ? 'No network of this machine has this address (for Apple’s container: see "container network list"). Correct the network, or set CREDENTIALS=mount.'
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
/** How often an address that is to come is looked for: an agent asks its model no sooner than half a second after it came. */
const LOOK_MS = 100;
/** After this it is told that the address does not come; it is still waited for. */
const LATE_MS = 15 * SECOND;

export interface RunDoorOptions {
  readonly place: ProxyPlace;
  /** Fit for a directory's name; no other door has it. */
  readonly name: string;
  readonly onRequest: RequestListener;
  /** Told once, when the run asked far too often and its door was shut for good. */
  readonly onFlood: () => void;
  /** Told once, when the address that is to come does not, or cannot be listened at. */
  readonly onUnheard: (error: ProxyListenError) => void;
  readonly clock: Clock;
}

/**
 * Where one run's sandbox finds the proxy, and nobody else's: a run that is out of hand uses up its own door only.
 * - promised: its port is known; its address comes with the sandbox's network, and it opens then.
 * - open: requests are handled.
 * - shut: by close(), or because of a flood. Every connection was cut, and new ones are refused by the kernel.
 */
export class RunDoor {
  readonly #options: RunDoorOptions;
  readonly #server: Server;
  readonly #allowance: Allowance;
  readonly #end = new AbortController();
  #promised: PromisedPort | undefined;
  #opening: Promise<void> | undefined;
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
    // A connection that could not be taken (no more open files, say) is lost, and nothing else. Why it cannot listen is asked for.
    this.#server.on('error', () => undefined);
  }

  /**
   * Begins to listen, or promises to.
   * @throws ProxyListenError
   */
  static async open(options: RunDoorOptions): Promise<RunDoor> {
    const door = new RunDoor(options);
    try {
      await door.#listen();
    } catch (error) {
      await door.close().catch(() => undefined);
      throw error;
    }
    return door;
  }

  /** The directory to be mounted; undefined: sandboxes come by TCP. */
  get directory(): string | undefined {
    const { place, name } = this.#options;
    return place.kind === 'unix' ? join(place.directory, name) : undefined;
  }

  /** Of the address that is or will be bound; undefined: a socket, or shut. */
  get port(): number | undefined {
    if (this.#promised !== undefined) return this.#promised.number;
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
    await this.#opening;
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
    this.#end.abort();
    this.#server.closeAllConnections();
    // Not listening is what is wanted, and a bind may still be under way.
    this.#server.once('listening', () => this.#server.close());
    this.#server.close(() => undefined);
  }

  async #listen(): Promise<void> {
    const { place, name } = this.#options;
    if (place.kind === 'tcp') {
      const { bind, isThere } = place;
      if (isThere === undefined) {
        await this.#bind({ host: bind, port: 0 }, `${bind}:0`);
        return;
      }
      this.#promised = await PromisedPort.take();
      this.#opening = this.#bindLater(bind, this.#promised, isThere);
      return;
    }
    const path = join(await makeDoorDirectory(place.directory, name, place.owner), SOCKET_NAME);
    await this.#bind({ path }, path);
    await shareSocket(path, place.owner);
  }

  /** Never rejects: the run has been told its port already. */
  async #bindLater(host: string, { number: port }: PromisedPort, isThere: () => boolean): Promise<void> {
    const { signal } = this.#end;
    const name = `${host}:${port}`;
    let problem: ProxyListenError | undefined;
    for (let look = 0; !this.#isShut; look += 1) {
      try {
        if (isThere()) {
          await this.#bind({ host, port }, name);
          break;
        }
      } catch (error) {
        problem = error as ProxyListenError;
      }
      if (look === LATE_MS / LOOK_MS) {
        const missing = Object.assign(new Error('the address does not come'), { code: 'EADDRNOTAVAIL' });
        this.#options.onUnheard(problem ?? new ProxyListenError(name, missing));
      }
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
    this.#promised?.giveBack();
  }

  async #bind(
    where: { readonly path: string } | { readonly host: string; readonly port: number },
    name: string,
  ): Promise<void> {
    try {
      this.#server.listen(where);
      // A server that is closed before it listens may tell of neither.
      await once(this.#server, 'listening', { signal: this.#end.signal });
    } catch (error) {
      throw new ProxyListenError(name, error as NodeJS.ErrnoException);
    }
  }
}
