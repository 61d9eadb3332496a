import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { Credentials, RunCredentials } from '../agent/agent.ts';
import { HOUR, SECOND } from '../clock.ts';
import type { Log } from '../log.ts';
import { layoutAt } from '../protocol/layout.ts';
import type { Provider } from '../protocol/turn.ts';
import { accessTo, addressPath, type Variables } from './model-access.ts';
import type { ProxyPlace } from './proxy-place.ts';
import { RequestHandler, type UsageReport } from './request-handler.ts';
import { RunTokens } from './run-tokens.ts';
import { removeSocketDirectory, SOCKET_NAME, shareSocket } from './socket-directory.ts';
import { Upstream } from './upstream.ts';

export interface KeyProxyOptions {
  readonly place: ProxyPlace;
  /** The environment with `.env` below it, as it is now: asked at every use. */
  readonly readVariables: () => Variables;
  /** Told what every answer used. */
  readonly onUsage: (report: UsageReport) => void;
  readonly log: Log;
  /** Makes a run's secret; absent: 32 random bytes. */
  readonly newToken?: (() => string) | undefined;
  /** Bytes of one request; absent: 64 MB. */
  readonly maxBodyBytes?: number | undefined;
  /** Milliseconds until a connection to a service must stand; absent: 30 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** A certificate authority (PEM) that the services' certificates may come from, beside Node's own. */
  readonly ca?: string | undefined;
}

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

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_HEADER_BYTES = 64 * 1024;
const CONNECT_TIMEOUT_MS = 30 * SECOND;
/** Claude's public prefixes: a key of an account, a token of a subscription. */
const KIND_OF_KEY = /^sk-ant-(api|oat)\d\d-/;
/** Longer than any pause between two requests of a turn: a client never meets a closing connection. */
const IDLE_CLIENT_MS = HOUR;

/**
 * Holds the keys so that sandboxes don't. A sandbox has a token of its run's own, good for its provider's calls to a model
 * and for nothing else; the proxy puts the host's key in its place. Neither a key nor a body is ever logged.
 */
export class KeyProxy implements Credentials {
  readonly #options: KeyProxyOptions;
  readonly #tokens: RunTokens;
  readonly #upstream: Upstream;
  readonly #server: Server;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: KeyProxyOptions) {
    this.#options = options;
    this.#tokens = new RunTokens(options.newToken ?? (() => randomBytes(32).toString('base64url')));
    this.#upstream = new Upstream(options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, options.ca);
    const handler = new RequestHandler({
      tokens: this.#tokens,
      upstream: this.#upstream,
      readVariables: options.readVariables,
      onUsage: options.onUsage,
      maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
      log: options.log.child({ room: 'credentials' }),
    });
    const limits = { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: IDLE_CLIENT_MS };
    this.#server = createServer(limits, (request, response) => handler.handle(request, response));
  }

  /**
   * Listens. To be called by the one process that holds the root's lock: a socket that is there belongs to a dead one.
   * @throws ProxyListenError
   */
  start(): Promise<void> {
    this.#starting ??= this.#listen();
    return this.#starting;
  }

  /** Closes every connection and removes the socket. */
  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  /**
   * Gives a run its token. Where the host has no key the run gets nothing, and says so itself.
   * @throws ServiceAddressError
   */
  async issue(run: {
    readonly runId: string;
    readonly groupFolder: string;
    readonly provider: Provider;
  }): Promise<RunCredentials> {
    const { provider } = run;
    const access = provider === 'offline' ? undefined : accessTo(provider, this.#options.readVariables());
    if (provider === 'offline' || access === undefined) {
      return { env: {}, mounts: [], release: async () => undefined };
    }
    const path = addressPath(provider, access);
    const { token, release } = this.#tokens.issue(
      { ...run, provider },
      KIND_OF_KEY.exec(access.key ?? '')?.[0],
    );
    const { place } = this.#options;
    const { credentials } = layoutAt();
    return {
      env: {
        NANOCLAW_PROXY: this.#address(),
        [access.variable]: token,
        // Only the path counts: the runner puts the proxy's own address before it.
        ...(provider === 'kimi' && path.endsWith('/coding/v1')
          ? { KIMI_BASE_URL: 'http://localhost/coding/v1' }
          : {}),
      },
      mounts:
        place.kind === 'unix'
          ? [{ hostPath: place.directory, containerPath: credentials, readonly: true }]
          : [],
      release: async () => release(),
    };
  }

  /** As sandboxes see it. */
  #address(): string {
    const { place } = this.#options;
    if (place.kind === 'unix') return `unix:${layoutAt().credentials}/${SOCKET_NAME}`;
    const address = this.#server.address();
    if (address === null || typeof address !== 'object') throw new Error('The keys’ proxy was not started');
    return `http://${place.host}:${address.port}`;
  }

  async #listen(): Promise<void> {
    const { place } = this.#options;
    if (place.kind === 'tcp') {
      const port = place.port ?? 0;
      await this.#bind({ host: place.bind, port }, `${place.bind}:${port}`);
      return;
    }
    const path = join(place.directory, SOCKET_NAME);
    await rm(path, { force: true });
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
  }

  async #close(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    this.#upstream.close();
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    const { place } = this.#options;
    if (place.kind === 'unix') await removeSocketDirectory(place.directory);
  }
}
