import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import { SECOND } from '../clock.ts';

/** A connection nobody uses is closed before the services' own limits do it under a new request. */
const IDLE_CONNECTION_MS = 20 * SECOND;

/** Connections to the services, kept for the next request. */
export class Upstream {
  readonly #http = new HttpAgent({ keepAlive: true, timeout: IDLE_CONNECTION_MS });
  readonly #https: HttpsAgent;
  readonly #connectTimeoutMs: number;

  /**
   * @param connectTimeoutMs milliseconds until a connection, TLS included, must stand; a stream has no limit
   * @param ca a certificate authority (PEM) beside Node's own; undefined: those alone
   */
  constructor(connectTimeoutMs: number, ca?: string) {
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#https = new HttpsAgent({
      keepAlive: true,
      timeout: IDLE_CONNECTION_MS,
      ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    });
  }

  request(url: URL, options: RequestOptions): ClientRequest {
    const isSecure = url.protocol === 'https:';
    // Zero undoes the agent's limit, which is for idle connections.
    const whole = { ...options, timeout: 0, agent: isSecure ? this.#https : this.#http };
    const outgoing = isSecure ? httpsRequest(url, whole) : httpRequest(url, whole);
    outgoing.on('socket', (socket) => this.#limitConnecting(outgoing, socket, isSecure));
    return outgoing;
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #limitConnecting(outgoing: ClientRequest, socket: Socket, isSecure: boolean): void {
    if (outgoing.reusedSocket || (!isSecure && !socket.connecting)) return;
    const timer = setTimeout(() => {
      outgoing.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' }));
    }, this.#connectTimeoutMs);
    timer.unref();
    const stop = (): void => clearTimeout(timer);
    socket.once(isSecure ? 'secureConnect' : 'connect', stop);
    outgoing.once('response', stop).once('close', stop);
  }
}
