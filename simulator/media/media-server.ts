import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type MediaCertificate, mintCertificate } from './certificate.ts';
import { MediaFaults } from './media-faults.ts';
import { MediaStore } from './media-store.ts';

const LOOPBACK = '127.0.0.1';
const UPLOAD_PATH = /^\/mms\/(?:image|video|audio|document|md-app-state)\/([\w-]+)$/;
/** The largest document that WhatsApp takes, 2 GB, would be held in memory here. */
export const MAX_UPLOAD_BYTES = 256 * 1024 * 1024;
const TOKEN_BYTES = 16;
/** How often a slowed download gets its next piece, in milliseconds. */
const TICK_MS = 50;

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_UPLOAD_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function answer(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

/** The base64 form in which clients name an upload: its SHA-256, safe in a URL. */
function nameOf(ciphertext: Buffer): string {
  return createHash('sha256').update(ciphertext).digest('base64url');
}

/** WhatsApp's media server: takes encrypted files and hands them out, over HTTPS on loopback. */
export class MediaServer {
  readonly store = new MediaStore();
  readonly faults = new MediaFaults();
  /** What a client must show when it uploads. */
  readonly auth = randomBytes(TOKEN_BYTES).toString('hex');
  readonly #server: Server;
  readonly #certificate: MediaCertificate;
  readonly #closing = new AbortController();

  private constructor(certificate: MediaCertificate) {
    this.#certificate = certificate;
    const { privateKey: key, certificate: cert } = certificate;
    this.#server = createServer({ key, cert }, (request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(): Promise<MediaServer> {
    const media = new MediaServer(await mintCertificate());
    await new Promise<void>((resolve, reject) => {
      media.#server.once('error', reject);
      media.#server.listen(0, LOOPBACK, resolve);
    });
    return media;
  }

  /** `127.0.0.1:PORT` */
  get host(): string {
    // A listening TCP server has an address with a port.
    return `${LOOPBACK}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The PEM of the authority that clients must trust. */
  get authority(): string {
    return this.#certificate.authority;
  }

  /** Where the file of a direct path is. */
  urlOf(directPath: string): string {
    return `https://${this.host}${directPath}`;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `https://${this.host}`);
    if (request.method === 'POST') return this.#upload(request, response, url);
    if (request.method === 'GET') return this.#download(response, url.pathname);
    answer(response, 405, { error: 'use POST or GET' });
  }

  async #upload(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const body = await bodyOf(request);
    const name = UPLOAD_PATH.exec(url.pathname)?.[1];
    if (name === undefined) return answer(response, 404, { error: 'no such kind of media' });
    if (url.searchParams.get('auth') !== this.auth) return answer(response, 401, { error: 'not authorized' });
    if (body === undefined) return answer(response, 413, { error: 'too large' });
    if (name !== nameOf(body)) return answer(response, 400, { error: 'the hash does not fit' });
    if (this.faults.takeUpload()) return answer(response, 503, { error: 'try later' });
    const directPath = this.store.put(body);
    answer(response, 200, { url: this.urlOf(directPath), direct_path: directPath });
  }

  async #download(response: ServerResponse, path: string): Promise<void> {
    const found = this.store.get(path);
    if (found === undefined) return answer(response, 404, { error: 'not found' });
    if (found === 'lost') return answer(response, 410, { error: 'gone' });
    const body = this.faults.takeTruncation() ? found.subarray(0, found.length >> 1) : found;
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': body.length,
    });
    const speed = this.faults.bytesPerSecond;
    if (speed === undefined) {
      response.end(body);
      return;
    }
    const piece = Math.max(1, Math.ceil((speed * TICK_MS) / 1000));
    for (let sent = 0; sent < body.length && !response.destroyed; sent += piece) {
      response.write(body.subarray(sent, sent + piece));
      await delay(TICK_MS, undefined, { signal: this.#closing.signal });
    }
    response.end();
  }
}
