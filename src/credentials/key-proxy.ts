import { randomBytes } from 'node:crypto';
import type { Credentials, RunCredentials } from '../agent/agent.ts';
import { type Clock, SECOND, systemClock } from '../clock.ts';
import { KEY_VARIABLES } from '../config.ts';
import type { Log } from '../log.ts';
import { layoutAt } from '../protocol/layout.ts';
import type { Provider } from '../protocol/provider.ts';
import { accessTo, addressPath, type Variables } from './model-access.ts';
import type { ProxyPlace } from './proxy-place.ts';
import { RequestHandler, type UsageReport } from './request-handler.ts';
import { RunDoor } from './run-door.ts';
import { removeDoors, removeSocketDirectory, SOCKET_NAME } from './socket-directory.ts';
import { TokenHolder } from './token-holder.ts';
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
  /** Measures how often sandboxes ask; absent: the system's. */
  readonly clock?: Clock | undefined;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 30 * SECOND;
/** Claude's public prefixes: a key of an account, a token of a subscription. */
const KIND_OF_KEY = /^sk-ant-(api|oat)\d\d-/;
/**
 * Holds the keys so that sandboxes don't. A sandbox has a token of its run's own, good for its provider's calls to a model
 * and for nothing else, at a door of its run's own; the proxy puts the host's key in its place. Neither a key nor a body is
 * ever logged.
 */
export class KeyProxy implements Credentials {
  readonly #options: KeyProxyOptions;
  readonly #newToken: () => string;
  readonly #upstream: Upstream;
  readonly #handler: RequestHandler;
  readonly #log: Log;
  readonly #doors = new Set<RunDoor>();
  #doorCount = 0;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: KeyProxyOptions) {
    this.#options = options;
    this.#newToken = options.newToken ?? (() => randomBytes(32).toString('base64url'));
    this.#upstream = new Upstream(options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, options.ca);
    this.#log = options.log.child({ room: 'credentials' });
    this.#handler = new RequestHandler({
      upstream: this.#upstream,
      readVariables: options.readVariables,
      onUsage: options.onUsage,
      maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
      log: this.#log,
    });
  }

  /**
   * Makes sure that doors can be opened, and clears away those of a dead process. To be called by the one process that
   * holds the root's lock.
   * @throws ProxyListenError
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Shuts every door. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /**
   * Gives a run its token and opens a door for it. Where the host has no key the run gets nothing, and says so itself.
   * @throws ServiceAddressError, ProxyListenError, and the system's errors
   */
  async issue(run: {
    readonly runId: string;
    readonly groupFolder: string;
    readonly provider: Provider;
  }): Promise<RunCredentials> {
    const { provider } = run;
    const variables = this.#options.readVariables();
    const access = provider === 'offline' ? undefined : accessTo(provider, variables);
    if (provider === 'offline' || access === undefined) {
      this.#warnOfUnusable(provider, variables);
      return { env: {}, mounts: [], release: async () => undefined };
    }
    const path = addressPath(provider, access);
    const token = (KIND_OF_KEY.exec(access.key ?? '')?.[0] ?? '') + this.#newToken();
    const holder = new TokenHolder({ ...run, provider }, token);
    const door = await this.#openDoor(holder);
    const { directory } = door;
    return {
      env: {
        NANOCLAW_PROXY: this.#addressOf(door),
        [access.variable]: token,
        // Only the path counts: the runner puts the proxy's own address before it.
        ...(provider === 'kimi' && path.endsWith('/coding/v1')
          ? { KIMI_BASE_URL: 'http://localhost/coding/v1' }
          : {}),
      },
      mounts:
        directory === undefined
          ? []
          : [{ hostPath: directory, containerPath: layoutAt().credentials, readonly: true }],
      release: async () => {
        holder.release();
        this.#doors.delete(door);
        await door.close();
      },
    };
  }

  async #openDoor(holder: TokenHolder): Promise<RunDoor> {
    const { runId: run, groupFolder: group } = holder;
    this.#doorCount += 1;
    const door = await RunDoor.open({
      place: this.#options.place,
      name: String(this.#doorCount),
      onRequest: (request, response) => this.#handler.handle(request, response, holder),
      onFlood: () => {
        holder.release();
        this.#log.warn({ run, group }, 'The sandbox floods the keys’ proxy: it is cut off from its model');
      },
      onUnheard: ({ message }) => {
        this.#log.warn({ run, group, error: message }, 'The sandbox cannot reach the keys’ proxy');
      },
      clock: this.#options.clock ?? systemClock,
    });
    this.#doors.add(door);
    return door;
  }

  /** As the sandbox sees it. */
  #addressOf(door: RunDoor): string {
    const { place } = this.#options;
    return place.kind === 'unix'
      ? `unix:${layoutAt().credentials}/${SOCKET_NAME}`
      : `http://${place.host}:${door.port}`;
  }

  /** Without this a key that was copied badly would look like none. */
  #warnOfUnusable(provider: Provider, variables: Variables): void {
    const set = KEY_VARIABLES[provider].filter((name) => (variables[name] ?? '') !== '');
    if (set.length === 0) return;
    this.#log.warn(
      { provider, variables: set },
      'The key cannot be sent: it holds spaces, line breaks or other characters that no key has. Copy it again',
    );
  }

  async #start(): Promise<void> {
    const { place, clock = systemClock } = this.#options;
    if (place.kind === 'unix') await removeDoors(place.directory);
    const trial = { place, name: 'trial', clock, onFlood: () => undefined, onUnheard: () => undefined };
    const door = await RunDoor.open({ ...trial, onRequest: (_, response) => void response.destroy() });
    await door.close();
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    this.#upstream.close();
    await Promise.all([...this.#doors].map((door) => door.close()));
    this.#doors.clear();
    const { place } = this.#options;
    if (this.#starting !== undefined && place.kind === 'unix') await removeSocketDirectory(place.directory);
  }
}
