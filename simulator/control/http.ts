import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ZodError, z } from 'zod';
import { LineNotSeen } from '../server/chats.ts';
import type { Controlled } from './controlled.ts';
import { EventStream } from './event-stream.ts';
import { toJson } from './json.ts';
import { NotFound } from './names.ts';
import { answer } from './routes.ts';

const LOOPBACK = '127.0.0.1';
const LOCAL_HOSTS = [LOOPBACK, 'localhost'] as const;
/** Files come in base64. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** The body is not JSON, or too long. */
class BadBody extends Error {
  constructor(reason: string) {
    super(`The body cannot be used: ${reason}. Send a JSON object of at most ${MAX_BODY_BYTES} bytes.`);
    this.name = 'BadBody';
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_BODY_BYTES) throw new BadBody('it is too long');
    parts.push(part);
  }
  if (length === 0) return {};
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch (error) {
    throw new BadBody(error instanceof Error ? error.message : String(error));
  }
}

function statusOf(error: unknown): number {
  if (error instanceof NotFound) return 404;
  if (error instanceof LineNotSeen) return 408;
  return 400;
}

function messageOf(error: unknown): string {
  if (error instanceof ZodError) return z.prettifyError(error);
  return error instanceof Error ? error.message : String(error);
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${toJson(value ?? null)}\n`);
}

/** A web page must not steer the simulator through a name that it made point to this machine. */
function isLocal(request: IncomingMessage): boolean {
  const host = new URL(`http://${request.headers.host ?? ''}`).hostname;
  return LOCAL_HOSTS.some((local) => local === host);
}

/** The simulator's API over HTTP on loopback, for scripts and for terminals. */
export class ControlServer {
  readonly #simulator: Controlled;
  readonly #events: EventStream;
  readonly #server: Server;
  #url = '';

  private constructor(simulator: Controlled) {
    this.#simulator = simulator;
    this.#events = new EventStream(simulator);
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) =>
        reply(response, statusOf(error), { error: messageOf(error) }),
      );
    });
  }

  /** Listens on 127.0.0.1; port 0 takes a free one. Rejects with Node's error when the port is taken. */
  static async start(simulator: Controlled, port: number): Promise<ControlServer> {
    const control = new ControlServer(simulator);
    await new Promise<void>((resolve, reject) => {
      control.#server.once('error', reject);
      control.#server.listen(port, LOOPBACK, resolve);
    });
    // A listening TCP server has an address with a port.
    control.#url = `http://${LOOPBACK}:${(control.#server.address() as AddressInfo).port}`;
    return control;
  }

  get url(): string {
    return this.#url;
  }

  async close(): Promise<void> {
    this.#events.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    if (!isLocal(request)) return reply(response, 403, { error: `Use ${LOOPBACK} as the host.` });
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    if (method === 'GET' && pathname === '/events') {
      const after = request.headers['last-event-id'] ?? searchParams.get('after') ?? '0';
      return this.#events.follow(response, Number(after) || 0);
    }
    const body = method === 'POST' ? await readBody(request) : undefined;
    if (method === 'POST' && pathname === '/shutdown') {
      response.once('finish', () => void this.#simulator.close());
      return reply(response, 202, { closing: true });
    }
    const query = Object.fromEntries(searchParams);
    reply(response, 200, await answer(this.#simulator, { method, path: pathname, query, body }));
  }
}
